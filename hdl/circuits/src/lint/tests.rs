//! One circuit a pattern that the lint must refuse, and the form that says the same and is accepted.

use super::*;

macro_rules! circuit {
    ($name:ident { $($field:ident: $direction:ident $type:ty),* $(,)? } $($update:tt)*) => {
        #[derive(LogicBlock, Default)]
        struct $name { $($field: Signal<$direction, $type>),* }
        impl Logic for $name { $($update)* }
    };
}

fn patterns<B: Block + Default>() -> Vec<Pattern> {
    let mut circuit = B::default();
    circuit.connect_all();
    let mut found: Vec<Pattern> = lint(&circuit, "top").into_iter().map(|finding| finding.pattern).collect();
    found.dedup();
    found
}

fn is_clean<B: Block + Default>() -> bool {
    patterns::<B>().is_empty()
}

circuit!(Binds { a: In Bits<8>, b: In Bits<8>, y: Out Bit }
    #[hdl_gen] fn update(&mut self) { self.y.next = self.a.val() & self.b.val() == 0x10; });
circuit!(BindsWell { a: In Bits<8>, b: In Bits<8>, y: Out Bit }
    #[hdl_gen] fn update(&mut self) { self.y.next = (self.a.val() & self.b.val()) == 0x10; });

#[test]
fn operators_that_verilog_binds_otherwise() {
    assert_eq!(patterns::<Binds>(), [Pattern::Unparenthesised]);
    assert!(is_clean::<BindsWell>());
}

circuit!(Chain { a: In Bits<8>, b: In Bits<8>, y: Out Bits<8> }
    #[hdl_gen] fn update(&mut self) { self.y.next = self.a.val() | self.b.val() | self.a.val(); });

#[test]
fn a_chain_of_one_operator_needs_no_parentheses() {
    assert!(is_clean::<Chain>());
}

circuit!(Compares { a: In Bits<8>, b: In Bits<8>, y: Out Bit }
    #[hdl_gen] fn update(&mut self) { self.y.next = (self.a.val() + 1) == self.b.val(); });
circuit!(ComparesInverse { a: In Bits<8>, y: Out Bit }
    #[hdl_gen] fn update(&mut self) { self.y.next = (!self.a.val()) > 200; });
circuit!(ComparesWell { a: In Bits<8>, b: In Bits<8>, sum: Local Bits<8>, y: Out Bit }
#[hdl_gen] fn update(&mut self) {
    self.sum.next = self.a.val() + 1;
    self.y.next = self.sum.val() == self.b.val();
});

#[test]
fn a_sum_compared_does_not_wrap_in_verilog() {
    assert_eq!(patterns::<Compares>(), [Pattern::ComparedArithmetic]);
    assert_eq!(patterns::<ComparesInverse>(), [Pattern::ComparedArithmetic]);
    assert!(is_clean::<ComparesWell>());
}

circuit!(Casts { a: In Bits<8>, b: In Bits<8>, y: Out Bits<16> }
    #[hdl_gen] fn update(&mut self) { self.y.next = bit_cast::<16, 8>(self.a.val() + self.b.val()); });
circuit!(CastsInverse { a: In Bits<4>, y: Out Bits<8> }
    #[hdl_gen] fn update(&mut self) { self.y.next = bit_cast::<8, 4>(!self.a.val()); });
circuit!(CastsWell { a: In Bits<4>, inverse: Local Bits<4>, y: Out Bits<8> }
#[hdl_gen] fn update(&mut self) {
    self.inverse.next = !self.a.val();
    self.y.next = bit_cast::<8, 4>(self.inverse.val());
});

#[test]
fn a_cast_of_arithmetic_or_inversion() {
    assert_eq!(patterns::<Casts>(), [Pattern::CastArithmetic]);
    assert_eq!(patterns::<CastsInverse>(), [Pattern::CastArithmetic]);
    assert!(is_clean::<CastsWell>());
}

circuit!(Shifts { a: In Bits<8>, y: Out Bits<8> }
    #[hdl_gen] fn update(&mut self) { self.y.next = (self.a.val() - 1) >> 1; });
circuit!(ShiftsWell { a: In Bits<8>, less: Local Bits<8>, y: Out Bits<8> }
#[hdl_gen] fn update(&mut self) {
    self.less.next = self.a.val() - 1;
    self.y.next = self.less.val() >> 1;
});

#[test]
fn arithmetic_shifted_right() {
    assert_eq!(patterns::<Shifts>(), [Pattern::ShiftedArithmetic]);
    assert!(is_clean::<ShiftsWell>());
}

circuit!(Reduces { a: In Bits<8>, y: Out Bit }
    #[hdl_gen] fn update(&mut self) { self.y.next = (self.a.val() + 1).any(); });
circuit!(ReducesWell { a: In Bits<8>, sum: Local Bits<8>, y: Out Bit }
#[hdl_gen] fn update(&mut self) {
    self.sum.next = self.a.val() + 1;
    self.y.next = self.sum.val().any();
});

#[test]
fn a_reduction_of_an_expression() {
    assert_eq!(patterns::<Reduces>(), [Pattern::ReducedExpression]);
    assert!(is_clean::<ReducesWell>());
}

circuit!(Selects { a: In Bits<8>, n: In Bits<3>, y: Out Bit }
    #[hdl_gen] fn update(&mut self) { self.y.next = self.a.val().get_bit((self.n.val() + 1).index()); });
circuit!(SelectsWell { a: In Bits<8>, n: In Bits<3>, at: Local Bits<3>, y: Out Bit }
#[hdl_gen] fn update(&mut self) {
    self.at.next = self.n.val() + 1;
    self.y.next = self.a.val().get_bit(self.at.val().index());
});

#[test]
fn a_computed_index() {
    assert_eq!(patterns::<Selects>(), [Pattern::SelectedByArithmetic]);
    assert!(is_clean::<SelectsWell>());
}

circuit!(Replaces { a: In Bits<8>, b: In Bit, y: Out Bits<8> }
    #[hdl_gen] fn update(&mut self) { self.y.next = self.a.val().replace_bit(3, !self.b.val()); });
circuit!(ReplacesWell { a: In Bits<8>, b: In Bit, bit_in: Local Bit, y: Out Bits<8> }
#[hdl_gen] fn update(&mut self) {
    self.bit_in.next = !self.b.val();
    self.y.next = self.a.val().replace_bit(3, self.bit_in.val());
});

#[test]
fn an_inverted_bit_put_in_place() {
    assert_eq!(patterns::<Replaces>(), [Pattern::ReplacedByArithmetic]);
    assert!(is_clean::<ReplacesWell>());
}

const LIMIT: u64 = 9;
circuit!(Leaks { a: In Bits<8>, y: Out Bit }
    #[hdl_gen] fn update(&mut self) { self.y.next = self.a.val() == LIMIT; });

/// A constant that Verilog knows too.
#[derive(LogicBlock)]
struct LeaksNot {
    a: Signal<In, Bits<8>>,
    y: Signal<Out, Bit>,
    limit: Constant<Bits<8>>,
}

impl Default for LeaksNot {
    fn default() -> Self {
        LeaksNot { a: Default::default(), y: Default::default(), limit: Constant::new(LIMIT.into()) }
    }
}

impl Logic for LeaksNot {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.a.val() == self.limit.val();
    }
}

#[test]
fn a_constant_of_rust() {
    assert_eq!(patterns::<Leaks>(), [Pattern::UnknownName]);
    assert!(is_clean::<LeaksNot>());
}

circuit!(Slices { a: In Bits<8>, b: In Bits<8>, y: Out Bits<4> }
    #[hdl_gen] fn update(&mut self) { self.y.next = (self.a.val() ^ self.b.val()).get_bits::<4>(4); });
circuit!(SlicesTwice { a: In Bits<16>, y: Out Bits<4> }
    #[hdl_gen] fn update(&mut self) { self.y.next = self.a.val().get_bits::<8>(4).get_bits::<4>(2); });
circuit!(SlicesWell { a: In Bits<8>, b: In Bits<8>, x: Local Bits<8>, y: Out Bits<4> }
#[hdl_gen] fn update(&mut self) {
    self.x.next = self.a.val() ^ self.b.val();
    self.y.next = self.x.val().get_bits::<4>(4);
});

#[test]
fn a_slice_of_an_expression_or_of_a_slice() {
    assert_eq!(patterns::<Slices>(), [Pattern::SlicedExpression]);
    assert_eq!(patterns::<SlicesTwice>(), [Pattern::SlicedExpression]);
    assert!(is_clean::<SlicesWell>());
}

#[derive(LogicBlock, Default)]
struct Grid {
    cells: [[DFF<Bit>; 2]; 2],
    clock: Signal<In, Clock>,
    y: Signal<Out, Bit>,
}

impl Logic for Grid {
    fn update(&mut self) {
        self.y.next = self.cells[1][0].q.val();
    }

    fn connect(&mut self) {
        self.y.connect();
    }

    /// What `hdl_gen` makes of `self.y.next = self.cells[1][0].q.val()`.
    fn hdl(&self) -> Verilog {
        let signal = |name: &str| ast::VerilogExpression::Signal(name.to_string());
        Verilog::Combinatorial(vec![ast::VerilogStatement::Assignment(signal("y$next"), signal("cells[1][0]$q"))])
    }
}

#[test]
fn two_indices() {
    assert_eq!(patterns::<Grid>(), [Pattern::DoubleIndex]);
}

circuit!(Scalar { a: In Bits<1>, y: Out Bit }
    #[hdl_gen] fn update(&mut self) { self.y.next = self.a.val().get_bit(0); });
circuit!(ScalarWell { a: In Bit, y: Out Bit }
    #[hdl_gen] fn update(&mut self) { self.y.next = self.a.val(); });

#[test]
fn a_bit_of_a_single_bit() {
    assert_eq!(patterns::<Scalar>(), [Pattern::IndexedScalar]);
    assert!(is_clean::<ScalarWell>());
}

circuit!(Latches { a: In Bit, b: In Bits<8>, y: Out Bits<8> }
    #[hdl_gen] fn update(&mut self) { if self.a.val() { self.y.next = self.b.val(); } });
circuit!(LatchesInMatch { a: In Bits<2>, y: Out Bits<8> }
#[hdl_gen] fn update(&mut self) {
    match self.a.val().index() {
        0 => { self.y.next = 1.into(); }
        1 => { self.y.next = 2.into(); }
        _ => {}
    }
});
circuit!(LatchesNot { a: In Bit, b: In Bits<8>, x: Out Bits<8>, y: Out Bits<8> }
#[hdl_gen] fn update(&mut self) {
    self.y.next = 0.into();
    if self.a.val() { self.y.next = self.b.val(); self.x.next = 1.into(); } else { self.x.next = 2.into(); }
});

#[test]
fn a_condition_without_a_default() {
    assert_eq!(patterns::<Latches>(), [Pattern::Latch]);
    assert_eq!(patterns::<LatchesInMatch>(), [Pattern::Latch]);
    assert!(is_clean::<LatchesNot>());
}

circuit!(ReadsEarly { a: In Bits<8>, x: Local Bits<8>, y: Out Bits<8> }
#[hdl_gen] fn update(&mut self) {
    self.y.next = self.x.val();
    self.x.next = self.a.val();
});
circuit!(ReadsLate { a: In Bits<8>, x: Local Bits<8>, y: Out Bits<8> }
#[hdl_gen] fn update(&mut self) {
    self.x.next = self.a.val();
    self.y.next = self.x.val();
});

#[test]
fn a_local_read_before_it_is_assigned() {
    assert_eq!(patterns::<ReadsEarly>(), [Pattern::ReadBeforeAssigned]);
    assert!(is_clean::<ReadsLate>());
}

/// A circuit of one register and one update.
macro_rules! registered {
    ($name:ident $($update:tt)*) => {
        #[derive(LogicBlock, Default)]
        struct $name {
            clock: Signal<In, Clock>,
            a: Signal<In, Bits<8>>,
            b: Signal<In, Bits<8>>,
            both: Signal<Local, Bits<8>>,
            y: Signal<Out, Bits<8>>,
            sum: DFF<Bits<8>>,
        }
        impl Logic for $name { $($update)* }
    };
}

registered!(ReadsBackBetween
#[hdl_gen] fn update(&mut self) {
    dff_setup!(self, clock, sum);
    self.both.next = self.a.val();
    self.sum.d.next = self.both.val();
    self.y.next = self.sum.d.val();
    self.sum.d.next = self.b.val();
});
registered!(ReadsBackItself
#[hdl_gen] fn update(&mut self) {
    dff_setup!(self, clock, sum);
    self.both.next = self.a.val() & self.b.val();
    self.sum.d.next = self.sum.d.val().replace_bit(3, self.both.val().get_bit(0));
    self.y.next = self.sum.q.val();
});
registered!(ReadsBackUnderACondition
#[hdl_gen] fn update(&mut self) {
    dff_setup!(self, clock, sum);
    self.both.next = self.b.val();
    self.y.next = 0.into();
    if self.a.val().any() {
        self.sum.d.next = self.both.val();
    } else {
        self.y.next = self.sum.d.val();
    }
});
registered!(ReadsBackNot
#[hdl_gen] fn update(&mut self) {
    dff_setup!(self, clock, sum);
    self.both.next = self.a.val() | self.b.val();
    self.both.next = self.both.val().replace_bit(3, false);
    self.sum.d.next = self.both.val();
    self.y.next = self.sum.q.val() & self.both.val();
    self.y.next = self.y.val().replace_bit(4, true);
});

/// A shift register: each part's input is assigned, each part's output is read.
#[derive(LogicBlock, Default)]
struct Shifted {
    clock: Signal<In, Clock>,
    a: Signal<In, Bit>,
    y: Signal<Out, Bit>,
    stages: [DFF<Bit>; 4],
}

impl Logic for Shifted {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..4 {
            self.stages[i].clock.next = self.clock.val();
        }
        self.stages[0].d.next = self.a.val();
        for i in 1..4 {
            self.stages[i].d.next = self.stages[i - 1].q.val();
        }
        self.y.next = self.stages[3].q.val();
    }
}

#[derive(LogicBlock, Default)]
struct ShiftedTooSoon {
    clock: Signal<In, Clock>,
    a: Signal<In, Bit>,
    y: Signal<Out, Bit>,
    stages: [DFF<Bit>; 4],
}

impl Logic for ShiftedTooSoon {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..4 {
            self.stages[i].clock.next = self.clock.val();
        }
        self.stages[0].d.next = self.a.val();
        for i in 1..4 {
            self.stages[i].d.next = self.stages[i - 1].d.val();
        }
        self.y.next = self.stages[3].q.val();
    }
}

#[test]
fn an_input_of_a_part_read_where_it_is_assigned() {
    assert_eq!(patterns::<ReadsBackBetween>(), [Pattern::InputReadBack]);
    assert_eq!(patterns::<ReadsBackItself>(), [Pattern::InputReadBack]);
    assert_eq!(patterns::<ReadsBackUnderACondition>(), [Pattern::InputReadBack]);
    assert_eq!(patterns::<ShiftedTooSoon>(), [Pattern::InputReadBack]);
}

#[test]
fn an_output_of_a_part_and_signals_of_ones_own_are_read_after_they_are_assigned() {
    assert!(is_clean::<ReadsBackNot>());
    assert!(is_clean::<Shifted>());
}

/// Why it is refused: simulated, it reads what is assigned last, which comes after; Verilog goes from line to line.
#[test]
fn simulation_reads_what_is_assigned_to_an_input_later() {
    let mut circuit = ReadsBackBetween::default();
    circuit.connect_all();
    circuit.a.next = 1.into();
    circuit.b.next = 2.into();
    assert!(simulate(&mut circuit, 10) && circuit.y.val() == 2, "{:?}", circuit.y.val());
    let mut defines = ModuleDefines::default();
    circuit.accept("top", &mut defines);
    let text = defines.defines();
    let place = |line: &str| text.find(line).unwrap_or_else(|| panic!("{line} is in {text}"));
    assert!(place("sum$d = both;") < place("y = sum$d;") && place("y = sum$d;") < place("sum$d = b;"), "{text}");
}

#[test]
fn the_signal_read_back_is_named_as_it_is_written() {
    let mut circuit = ReadsBackBetween::default();
    circuit.connect_all();
    let told: Vec<String> = lint(&circuit, "top").iter().map(Finding::to_string).collect();
    assert_eq!(told, ["top: `sum.d`, the input of a part, is read back: assign a Local, and that to it"]);
}

circuit!(Named { tagged: In Bit, y: Out Bit }
    #[hdl_gen] fn update(&mut self) { self.y.next = self.tagged.val(); });

#[test]
fn a_keyword_as_a_name() {
    assert_eq!(patterns::<Named>(), [Pattern::Keyword]);
}

circuit!(SignedSum { a: In Signed<8>, b: In Signed<8>, y: Out Bits<8> }
    #[hdl_gen] fn update(&mut self) { self.y.next = unsigned_cast(self.a.val() + self.b.val()); });

#[test]
fn signed_arithmetic() {
    assert_eq!(patterns::<SignedSum>(), [Pattern::Signed]);
}

#[test]
fn emission_is_refused_with_the_place_and_the_remedy() {
    let error = crate::emit(&mut Compares::default(), "sum").expect_err("a silent miscompile");
    let text = error.to_string();
    assert!(text.contains("sum: ") && text.contains("assign what is computed to a Local first"), "{text}");
}
