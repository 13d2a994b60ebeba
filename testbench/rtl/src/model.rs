//! The loaded shared object: the only place that calls into it.

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::{NonNull, null};
use std::sync::{Arc, Mutex, PoisonError};

use libloading::Library;
use thiserror::Error;
use weir_hdl::DropStyle;

use crate::compile::{self, CompileError, Purpose};
use crate::source::Source;
use crate::stream::{Beat, Side, Word};
use crate::width::Width;

/// Why the circuit could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The emitter refused its own circuit.
    #[error(transparent)]
    Emit(#[from] weir_hdl::EmitError),
    /// It could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The compiled form does not load.
    #[error("failed to load {}; delete it to have it built again", path.display())]
    Load {
        /// The shared object.
        path: PathBuf,
        /// What the loader said.
        source: libloading::Error,
    },
    /// The path of a waveform file holds a zero byte.
    #[error("failed to open waveform {}: a path cannot hold a zero byte", path.display())]
    TracePath {
        /// The path.
        path: PathBuf,
    },
    /// The waveform file cannot be written.
    #[error("failed to write waveform {}", path.display())]
    Trace {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Layout: `Request` in shim.cpp.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Request {
    pub(crate) address: u32,
    pub(crate) data: u32,
    pub(crate) strobes: u32,
    pub(crate) address_stall: u32,
    pub(crate) data_stall: u32,
    pub(crate) response_stall: u32,
}

/// Layout: `Response` in shim.cpp.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Response {
    pub(crate) clock: u64,
    pub(crate) data: u32,
    pub(crate) code: u32,
}

/// Layout: `Word` in shim.cpp.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawWord {
    clock: u64,
    word: u32,
    padding: u32,
}

type Bench = NonNull<c_void>;

/// The entry points, in the order of shim.cpp.
struct Calls {
    new: unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void,
    free: unsafe extern "C" fn(Bench),
    reset: unsafe extern "C" fn(Bench, u64),
    set_time: unsafe extern "C" fn(Bench, u64),
    set_link: unsafe extern "C" fn(Bench, c_int),
    beat_bytes: unsafe extern "C" fn() -> usize,
    clock: unsafe extern "C" fn(Bench) -> u64,
    fenced: unsafe extern "C" fn(Bench) -> c_int,
    irq: unsafe extern "C" fn(Bench) -> u32,
    faults: unsafe extern "C" fn(Bench) -> u32,
    push: unsafe extern "C" fn(Bench, c_int, *const u8, usize, *const u8, usize, c_int),
    pause: unsafe extern "C" fn(Bench, c_int, u32),
    write: unsafe extern "C" fn(Bench, *const Request),
    read: unsafe extern "C" fn(Bench, *const Request),
    answer: unsafe extern "C" fn(Bench, c_int, *mut Response) -> c_int,
    run: unsafe extern "C" fn(Bench, u64),
    run_bus: unsafe extern "C" fn(Bench, u64) -> c_int,
    settle: unsafe extern "C" fn(Bench, u64) -> c_int,
    sent: unsafe extern "C" fn(Bench, c_int, *mut usize) -> *const u64,
    beats: unsafe extern "C" fn(Bench, c_int, *mut usize) -> *const Beat,
    bytes: unsafe extern "C" fn(Bench, c_int, *mut usize) -> *const u8,
    words: unsafe extern "C" fn(Bench, c_int, *mut usize) -> *const RawWord,
    fence_changes: unsafe extern "C" fn(Bench, *mut usize) -> *const RawWord,
    forget: unsafe extern "C" fn(Bench),
}

/// A loaded shared object.
pub(crate) struct Model {
    calls: Calls,
    /// What its beats hold.
    width: Width,
    drop_style: DropStyle,
    /// Keeps the code of `calls` mapped.
    _library: Library,
}

/// A loaded model, with what it was made from.
struct Loaded {
    source: Source,
    purpose: Purpose,
    model: Arc<Model>,
}

/// The models this process loaded last, the newest last: tests open many benches of few circuits.
static LOADED: Mutex<Vec<Loaded>> = Mutex::new(Vec::new());

/// How many of them are kept: a circuit of each width in both drop styles, and a faulty one of each width.
const KEPT: usize = 6;

impl Model {
    /// The compiled form of `source`, from memory, from the cache, or compiled now.
    pub(crate) fn shared(source: &Source, purpose: Purpose) -> Result<Arc<Model>, OpenError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = loaded.iter().find(|known| known.source == *source && known.purpose == purpose) {
            return Ok(Arc::clone(&known.model));
        }
        let model = Model::load(&compile::object(source, purpose)?, source.drop_style)?;
        if loaded.len() == KEPT {
            loaded.remove(0);
        }
        loaded.push(Loaded { source: source.clone(), purpose, model: Arc::clone(&model) });
        Ok(model)
    }

    fn load(path: &Path, drop_style: DropStyle) -> Result<Arc<Model>, OpenError> {
        let failed = |source| OpenError::Load { path: path.to_path_buf(), source };
        // SAFETY: the object was built by `compile` from Verilator's output and our shim; their initialisers only set up
        // their own globals.
        let library = unsafe { Library::new(path) }.map_err(failed)?;
        macro_rules! call {
            ($name:literal) => {
                // SAFETY: the symbol is defined in shim.cpp, whose text is part of the cache key, with the signature of
                // the field it is stored in.
                *unsafe { library.get(concat!($name, "\0")) }.map_err(failed)?
            };
        }
        let calls = Calls {
            new: call!("weir_new"),
            free: call!("weir_free"),
            reset: call!("weir_reset"),
            set_time: call!("weir_set_time"),
            set_link: call!("weir_set_link"),
            beat_bytes: call!("weir_beat_bytes"),
            clock: call!("weir_clock"),
            fenced: call!("weir_fenced"),
            irq: call!("weir_irq"),
            faults: call!("weir_faults"),
            push: call!("weir_push"),
            pause: call!("weir_pause"),
            write: call!("weir_write"),
            read: call!("weir_read"),
            answer: call!("weir_answer"),
            run: call!("weir_run"),
            run_bus: call!("weir_run_bus"),
            settle: call!("weir_settle"),
            sent: call!("weir_sent"),
            beats: call!("weir_beats"),
            bytes: call!("weir_bytes"),
            words: call!("weir_words"),
            fence_changes: call!("weir_fence_changes"),
            forget: call!("weir_forget"),
        };
        // SAFETY: it takes nothing and gives a constant.
        let bytes = unsafe { (calls.beat_bytes)() };
        let width = Width::of_bytes(bytes).expect("the shim compiles for the widths there are");
        Ok(Arc::new(Model { calls, width, drop_style, _library: library }))
    }
}

/// One NIC in a loaded model.
pub(crate) struct Instance {
    bench: Bench,
    model: Arc<Model>,
}

// SAFETY: an instance owns its bench with its own simulation context, and the shim keeps no other state; nothing in it
// depends on the thread that calls.
unsafe impl Send for Instance {}

impl Instance {
    /// A NIC before reset. `trace` is the waveform file, for a model loaded with `traced`.
    pub(crate) fn new(model: Arc<Model>, trace: Option<&Path>) -> Result<Instance, OpenError> {
        let path = trace.map(|path| {
            CString::new(path.as_os_str().as_encoded_bytes())
                .map_err(|_| OpenError::TracePath { path: path.to_path_buf() })
        });
        let path = path.transpose()?;
        let marks = c_int::from(model.drop_style == DropStyle::Mark);
        // SAFETY: `path` is null or a string that outlives the call.
        let bench = unsafe { (model.calls.new)(path.as_ref().map_or(null(), |path| path.as_ptr()), marks) };
        Ok(Instance { bench: NonNull::new(bench).expect("the shim's new throws rather than give null"), model })
    }

    pub(crate) fn reset(&mut self, clocks: u64) {
        // SAFETY: the bench lives as long as self, and is called by one thread at a time. So for all calls below that
        // pass numbers only.
        unsafe { (self.model.calls.reset)(self.bench, clocks) }
    }

    pub(crate) fn set_time(&mut self, now: u64) {
        // SAFETY: numbers only.
        unsafe { (self.model.calls.set_time)(self.bench, now) }
    }

    pub(crate) fn set_link_down(&mut self, down: bool) {
        // SAFETY: numbers only.
        unsafe { (self.model.calls.set_link)(self.bench, down.into()) }
    }

    pub(crate) fn clock(&self) -> u64 {
        // SAFETY: numbers only.
        unsafe { (self.model.calls.clock)(self.bench) }
    }

    pub(crate) fn fenced(&self) -> bool {
        // SAFETY: numbers only.
        unsafe { (self.model.calls.fenced)(self.bench) != 0 }
    }

    pub(crate) fn irq(&self) -> u32 {
        // SAFETY: numbers only.
        unsafe { (self.model.calls.irq)(self.bench) }
    }

    pub(crate) fn faults(&self) -> u32 {
        // SAFETY: numbers only.
        unsafe { (self.model.calls.faults)(self.bench) }
    }

    pub(crate) fn width(&self) -> Width {
        self.model.width
    }

    pub(crate) fn drop_style(&self) -> DropStyle {
        self.model.drop_style
    }

    pub(crate) fn push(&mut self, side: Side, bytes: &[u8], waits: &[u8], user: bool) {
        // SAFETY: both slices are read during the call, within their lengths.
        unsafe {
            let (bytes, length, waits, count) = (bytes.as_ptr(), bytes.len(), waits.as_ptr(), waits.len());
            (self.model.calls.push)(self.bench, side as c_int, bytes, length, waits, count, c_int::from(user));
        }
    }

    pub(crate) fn pause(&mut self, side: Side, clocks: u32) {
        // SAFETY: numbers only.
        unsafe { (self.model.calls.pause)(self.bench, side as c_int, clocks) }
    }

    pub(crate) fn start_write(&mut self, request: Request) {
        // SAFETY: the request is copied during the call.
        unsafe { (self.model.calls.write)(self.bench, &request) }
    }

    pub(crate) fn start_read(&mut self, request: Request) {
        // SAFETY: the request is copied during the call.
        unsafe { (self.model.calls.read)(self.bench, &request) }
    }

    pub(crate) fn answer(&mut self, write: bool) -> Option<Response> {
        let mut response = Response::default();
        // SAFETY: the response is written during the call.
        let there = unsafe { (self.model.calls.answer)(self.bench, c_int::from(write), &mut response) };
        (there != 0).then_some(response)
    }

    pub(crate) fn run(&mut self, clocks: u64) {
        // SAFETY: numbers only.
        unsafe { (self.model.calls.run)(self.bench, clocks) }
    }

    pub(crate) fn run_bus(&mut self, limit: u64) -> bool {
        // SAFETY: numbers only.
        unsafe { (self.model.calls.run_bus)(self.bench, limit) != 0 }
    }

    pub(crate) fn settle(&mut self, limit: u64) -> bool {
        // SAFETY: numbers only.
        unsafe { (self.model.calls.settle)(self.bench, limit) != 0 }
    }

    pub(crate) fn sent(&self, side: Side) -> &[u64] {
        // SAFETY: see `list`; `weir_forget`, which ends the list, takes `&mut self`.
        unsafe { list(|count| (self.model.calls.sent)(self.bench, side as c_int, count)) }
    }

    pub(crate) fn beats(&self, side: Side) -> &[Beat] {
        // SAFETY: as in `sent`.
        unsafe { list(|count| (self.model.calls.beats)(self.bench, side as c_int, count)) }
    }

    /// The data of all beats, a whole beat each.
    pub(crate) fn bytes(&self, side: Side) -> &[u8] {
        // SAFETY: as in `sent`.
        unsafe { list(|count| (self.model.calls.bytes)(self.bench, side as c_int, count)) }
    }

    pub(crate) fn words(&self, side: Side) -> impl Iterator<Item = Word> {
        // SAFETY: as in `sent`.
        let words = unsafe { list(|count| (self.model.calls.words)(self.bench, side as c_int, count)) };
        words.iter().map(|raw| Word { clock: raw.clock, word: raw.word })
    }

    pub(crate) fn fence_changes(&self) -> impl Iterator<Item = (u64, bool)> {
        // SAFETY: as in `sent`.
        let words = unsafe { list(|count| (self.model.calls.fence_changes)(self.bench, count)) };
        words.iter().map(|raw| (raw.clock, raw.word != 0))
    }

    pub(crate) fn forget(&mut self) {
        // SAFETY: no list borrowed from self is alive.
        unsafe { (self.model.calls.forget)(self.bench) }
    }
}

/// A list of the shim. SAFETY: `get` gives a pointer to as many elements as it counts, unchanged until the next call
/// that takes `&mut Instance`.
unsafe fn list<'a, T>(get: impl FnOnce(*mut usize) -> *const T) -> &'a [T] {
    let mut count = 0;
    let first = get(&mut count);
    // An empty vector may give null, which no slice may hold.
    if count == 0 {
        return &[];
    }
    // SAFETY: by the contract above.
    unsafe { std::slice::from_raw_parts(first, count) }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: the bench is not used afterwards.
        unsafe { (self.model.calls.free)(self.bench) }
    }
}
