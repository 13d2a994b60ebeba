//! Every claim is made at every width.

use std::sync::OnceLock;

use weir_rtl::{Options, Rtl, Source, Width};

/// Makes of each function that takes a [`Width`] a test a width, all under the function's name.
macro_rules! at_each_width {
    ($($claim:ident),+ $(,)?) => {$(
        mod $claim {
            #[test]
            fn at_64_bit() {
                crate::width::run(weir_rtl::Width::Bits64, super::$claim);
            }

            #[test]
            fn at_512_bit() {
                crate::width::run(weir_rtl::Width::Bits512, super::$claim);
            }
        }
    )+};
}
pub(crate) use at_each_width;

/// Runs `claim` if there is a circuit of that width.
pub(crate) fn run(width: Width, claim: fn(Width)) {
    if circuits().iter().any(|source| source.top == width.top()) {
        claim(width);
    }
}

/// All that is emitted, once.
fn circuits() -> &'static [Source] {
    static CIRCUITS: OnceLock<Vec<Source>> = OnceLock::new();
    CIRCUITS.get_or_init(|| {
        let options = Options::default();
        let files = weir_hdl::files(options).unwrap_or_else(|error| panic!("{error}"));
        let source = |file: weir_hdl::File| Source {
            top: file.top.to_string(),
            text: file.text,
            drop_style: options.drop_style,
        };
        files.into_iter().map(source).collect()
    })
}

/// The emitted circuit of a width.
pub(crate) fn emitted(width: Width) -> &'static Source {
    circuits().iter().find(|source| source.top == width.top()).expect("tests run at the widths there are")
}

/// It, running.
pub(crate) fn open(width: Width) -> Rtl {
    Rtl::of_source(emitted(width)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn no_circuit_goes_untested() {
    let tested = |source: &&Source| Width::ALL.iter().any(|width| source.top == width.top());
    assert_eq!(circuits().iter().filter(tested).count(), circuits().len());
}
