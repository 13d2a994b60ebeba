// The clock loop around the Verilated NIC: one call from Rust runs many clocks.
//
// The bytes of a beat are those of the circuit's own ports, so one text serves every width.
//
// Each side (0 from the wire, 1 from the host) has a queue of beats to drive; the bus has at most one read and one write
// under way, each with its own stalls. Every clock samples the outputs as a receiver would, just before the rising edge,
// and what was seen is kept for Rust to take. The structs here are those of model.rs, field by field.
#include "Vweir.h"
#include "verilated.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using Waveform = VerilatedFstC;
#elif VM_TRACE_VCD
#include "verilated_vcd_c.h"
using Waveform = VerilatedVcdC;
#endif
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

namespace {

using Data = std::remove_reference_t<decltype(Vweir::s_axis_rx_tdata)>;
using Keep = std::remove_reference_t<decltype(Vweir::s_axis_rx_tkeep)>;

// Bytes a beat. A port of 64 bits is an integer, a wider one an array of 32-bit words, least significant first: on the
// little-endian machines Verilator runs on, both are the bytes in their order.
constexpr size_t BYTES = sizeof(Data);
static_assert(BYTES == 8 || BYTES == 64, "a circuit of another width");
static_assert(sizeof(Keep) * 8 == BYTES, "tkeep has a bit a byte");

constexpr uint64_t keep_of(size_t bytes) { return bytes == 64 ? ~uint64_t(0) : (uint64_t(1) << bytes) - 1; }

struct Beat {
    uint64_t clock, keep;
    uint8_t last, user, unused[6];
};

struct Word {
    uint64_t clock;
    uint32_t word, padding;
};

struct Request {
    uint32_t address, data;
    uint32_t strobes;
    uint32_t address_stall, data_stall, response_stall;
};

struct Response {
    uint64_t clock;
    uint32_t data, code;
};

struct Drive {
    uint8_t data[BYTES];
    uint64_t keep;  // 0: no beat at all, only the wait
    uint32_t wait;  // clocks without a beat before this one
    uint8_t last, user;
};

// What went wrong on an interface, as bits; model.rs has their texts.
enum Fault : uint32_t {
    UNASKED_RESPONSE = 1,
    UNSTABLE_RESPONSE = 2,
    KEEP_HOLE = 4,
    SHORT_BEAT = 8,
    EARLY_MARK = 16,
};

struct Side {
    std::vector<Drive> queue;
    size_t head = 0;
    bool driving = false;
    bool marks = false;  // what is dropped comes out, marked
    uint64_t frames = 0, words_seen = 0, leaving = 0, passed = 0;
    std::vector<uint64_t> sent;
    std::vector<Beat> beats;
    std::vector<uint8_t> bytes;  // BYTES for each of `beats`
    std::vector<Word> words;
};

// One of the two halves of the bus: a request on up to two channels, then a response.
struct Transfer {
    bool active = false, done = false;
    bool address_taken = false, data_taken = false, answered = false;
    Request request{};
    Response response{};
};

struct Bench {
    VerilatedContext context;
    std::unique_ptr<Vweir> top;
#if VM_TRACE
    std::unique_ptr<Waveform> trace;
#endif
    uint64_t clock = 0;
    Side side[2];
    Transfer write, read;
    std::vector<Word> fence;
    bool fenced = false;
    uint32_t faults = 0;

    // Chooses what a side drives in this clock.
    static const Drive* next(Side& side) {
        side.driving = false;
        while (side.head < side.queue.size()) {
            Drive& beat = side.queue[side.head];
            if (beat.wait > 0) {
                beat.wait--;
                return nullptr;
            }
            if (beat.keep != 0) {
                side.driving = true;
                return &beat;
            }
            side.head++;
        }
        return nullptr;
    }

    void sent(Side& side) {
        if (!side.driving) return;
        side.sent.push_back(clock);
        if (++side.head == side.queue.size()) {
            side.queue.clear();
            side.head = 0;
        }
    }

    void received(Side& side, const Data& data, uint64_t keep, bool last, bool user) {
        side.beats.push_back({clock, keep, last, user, {}});
        size_t at = side.bytes.size();
        side.bytes.resize(at + BYTES);
        std::memcpy(&side.bytes[at], &data, BYTES);
        side.passed += last;
        if ((keep & (keep + 1)) != 0 || keep == 0) faults |= KEEP_HOLE;
        if (!last && keep != keep_of(BYTES)) faults |= SHORT_BEAT;
        // Nothing that was driven bears one before its last beat.
        if (!last && user) faults |= EARLY_MARK;
    }

    void judged(Side& side, uint32_t word) {
        side.words.push_back({clock, word, 0});
        side.words_seen++;
        side.leaving += side.marks || word & 1;
    }

    // The answering half of a transfer: stability while it waits, and its end.
    void answer(Transfer& half, bool valid, bool ready, uint32_t data, uint32_t code) {
        if (!valid) {
            if (half.answered) faults |= UNSTABLE_RESPONSE;
            return;
        }
        if (!half.active || !half.address_taken || !half.data_taken) {
            faults |= UNASKED_RESPONSE;
            return;
        }
        if (half.answered && (half.response.data != data || half.response.code != code)) faults |= UNSTABLE_RESPONSE;
        half.answered = true;
        half.response = {clock, data, code};
        if (ready) {
            half.active = half.answered = false;
            half.done = true;
        }
    }

    void step() {
        Vweir& t = *top;
        const Drive* rx = next(side[0]);
        t.s_axis_rx_tvalid = rx != nullptr;
        if (rx) {
            std::memcpy(&t.s_axis_rx_tdata, rx->data, BYTES);
            t.s_axis_rx_tkeep = rx->keep;
            t.s_axis_rx_tlast = rx->last;
            t.s_axis_rx_tuser = rx->user;
        }
        const Drive* tx = next(side[1]);
        t.s_axis_tx_tvalid = tx != nullptr;
        if (tx) {
            std::memcpy(&t.s_axis_tx_tdata, tx->data, BYTES);
            t.s_axis_tx_tkeep = tx->keep;
            t.s_axis_tx_tlast = tx->last;
            t.s_axis_tx_tuser = tx->user;
        }
        bool aw = write.active && !write.address_taken && write.request.address_stall == 0;
        bool w = write.active && !write.data_taken && write.request.data_stall == 0;
        bool b = write.request.response_stall == 0;
        bool ar = read.active && !read.address_taken && read.request.address_stall == 0;
        bool r = read.request.response_stall == 0;
        t.s_axil_awvalid = aw;
        t.s_axil_wvalid = w;
        t.s_axil_bready = b;
        t.s_axil_arvalid = ar;
        t.s_axil_rready = r;
        if (write.active) {
            t.s_axil_awaddr = write.request.address;
            t.s_axil_wdata = write.request.data;
            t.s_axil_wstrb = write.request.strobes;
        }
        if (read.active) t.s_axil_araddr = read.request.address;

        t.clock = 0;
        t.eval();
#if VM_TRACE
        if (trace) trace->dump(2 * clock);
#endif

        sent(side[0]);
        sent(side[1]);
        if (t.m_axis_rx_tvalid)
            received(side[0], t.m_axis_rx_tdata, t.m_axis_rx_tkeep, t.m_axis_rx_tlast, t.m_axis_rx_tuser);
        if (t.m_axis_tx_tvalid)
            received(side[1], t.m_axis_tx_tdata, t.m_axis_tx_tkeep, t.m_axis_tx_tlast, t.m_axis_tx_tuser);
        if (t.rx_verdict_valid) judged(side[0], t.rx_verdict_data);
        if (t.tx_verdict_valid) judged(side[1], t.tx_verdict_data);
        if (bool(t.fenced) != fenced) {
            fenced = t.fenced;
            fence.push_back({clock, fenced, 0});
        }
        if (write.active) {
            answer(write, t.s_axil_bvalid, b, 0, t.s_axil_bresp);
            if (t.s_axil_bvalid && !b) write.request.response_stall--;
            if (aw) write.address_taken |= t.s_axil_awready;
            else if (write.request.address_stall > 0) write.request.address_stall--;
            if (w) write.data_taken |= t.s_axil_wready;
            else if (write.request.data_stall > 0) write.request.data_stall--;
        } else if (t.s_axil_bvalid) faults |= UNASKED_RESPONSE;
        if (read.active) {
            answer(read, t.s_axil_rvalid, r, t.s_axil_rdata, t.s_axil_rresp);
            if (t.s_axil_rvalid && !r) read.request.response_stall--;
            if (ar) read.address_taken |= t.s_axil_arready;
            else if (read.request.address_stall > 0) read.request.address_stall--;
        } else if (t.s_axil_rvalid) faults |= UNASKED_RESPONSE;

        t.clock = 1;
        t.eval();
#if VM_TRACE
        if (trace) trace->dump(2 * clock + 1);
#endif
        clock++;
    }

    bool settled() const {
        for (const Side& s : side)
            if (s.head < s.queue.size() || s.words_seen < s.frames || s.passed < s.leaving) return false;
        return true;
    }
};

void start(Transfer& half, const Request& request, bool has_data) {
    half = Transfer{};
    half.active = true;
    half.data_taken = !has_data;
    half.request = request;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

// `marks`: frames from the wire that are dropped come out, with a mark.
Bench* weir_new(const char* trace_path, int marks) {
    auto bench = std::make_unique<Bench>();
    bench->side[0].marks = marks != 0;
    bench->context.threads(1);
    bench->context.randReset(0);
#if VM_TRACE
    if (trace_path) bench->context.traceEverOn(true);
#endif
    bench->top = std::make_unique<Vweir>(&bench->context, "weir");
#if VM_TRACE
    if (trace_path) {
        bench->trace = std::make_unique<Waveform>();
        bench->top->trace(bench->trace.get(), 99);
        bench->trace->open(trace_path);
    }
#endif
    (void)trace_path;
    return bench.release();
}

void weir_free(Bench* bench) {
#if VM_TRACE
    if (bench->trace) bench->trace->close();
#endif
    bench->top->final();
    delete bench;
}

// Holds reset for `clocks`; queues are emptied, what was seen stays.
void weir_reset(Bench* bench, uint64_t clocks) {
    for (Side& side : bench->side) {
        side.queue.clear();
        side.head = 0;
    }
    bench->write = bench->read = Transfer{};
    bench->top->aresetn = 0;
    for (uint64_t i = 0; i < clocks; i++) bench->step();
    bench->top->aresetn = 1;
    for (Side& side : bench->side) {
        side.frames = side.words_seen;
        side.passed = side.leaving;
    }
}

void weir_set_time(Bench* bench, uint64_t now) { bench->top->nic_time = now; }

void weir_set_link(Bench* bench, int down) { bench->top->link_down = down != 0; }

size_t weir_beat_bytes() { return BYTES; }

uint64_t weir_clock(const Bench* bench) { return bench->clock; }

int weir_fenced(const Bench* bench) { return bench->fenced; }

// The conditions of interrupts, bit n for vector n.
uint32_t weir_irq(const Bench* bench) { return bench->top->irq; }

uint32_t weir_faults(const Bench* bench) { return bench->faults; }

// Appends a frame; waits[i] clocks pass before beat i, none beyond the end of `waits`. `user` marks its last beat.
void weir_push(Bench* bench, int port, const uint8_t* bytes, size_t length, const uint8_t* waits, size_t wait_count,
               int user) {
    Side& side = bench->side[port];
    for (size_t at = 0, beat = 0; at < length; at += BYTES, beat++) {
        Drive drive{};
        size_t here = length - at < BYTES ? length - at : BYTES;
        std::memcpy(drive.data, bytes + at, here);
        drive.keep = keep_of(here);
        drive.last = at + BYTES >= length;
        drive.user = drive.last && user != 0;
        drive.wait = beat < wait_count ? waits[beat] : 0;
        side.queue.push_back(drive);
    }
    side.frames += length > 0;
}

void weir_pause(Bench* bench, int port, uint32_t clocks) {
    Drive drive{};
    drive.wait = clocks;
    bench->side[port].queue.push_back(drive);
}

void weir_write(Bench* bench, const Request* request) { start(bench->write, *request, true); }

void weir_read(Bench* bench, const Request* request) { start(bench->read, *request, false); }

// The answer of a finished access, once.
int weir_answer(Bench* bench, int is_write, Response* response) {
    Transfer& half = is_write ? bench->write : bench->read;
    if (!half.done) return 0;
    half.done = false;
    *response = half.response;
    return 1;
}

void weir_run(Bench* bench, uint64_t clocks) {
    for (uint64_t i = 0; i < clocks; i++) bench->step();
}

// Runs until the bus is idle, at most `limit` clocks; whether it is.
int weir_run_bus(Bench* bench, uint64_t limit) {
    for (uint64_t i = 0; i < limit && (bench->write.active || bench->read.active); i++) bench->step();
    return !bench->write.active && !bench->read.active;
}

// Runs until every frame was driven and judged and every one that leaves is out; gives up `limit` clocks after the last
// was driven. Whether all came.
int weir_settle(Bench* bench, uint64_t limit) {
    for (uint64_t quiet = 0; quiet < limit && !bench->settled();) {
        bench->step();
        bool busy = false;
        for (Side& side : bench->side) busy |= side.head < side.queue.size();
        quiet = busy ? 0 : quiet + 1;
    }
    return bench->settled();
}

const uint64_t* weir_sent(const Bench* bench, int port, size_t* count) {
    *count = bench->side[port].sent.size();
    return bench->side[port].sent.data();
}

const Beat* weir_beats(const Bench* bench, int port, size_t* count) {
    *count = bench->side[port].beats.size();
    return bench->side[port].beats.data();
}

const uint8_t* weir_bytes(const Bench* bench, int port, size_t* count) {
    *count = bench->side[port].bytes.size();
    return bench->side[port].bytes.data();
}

const Word* weir_words(const Bench* bench, int port, size_t* count) {
    *count = bench->side[port].words.size();
    return bench->side[port].words.data();
}

const Word* weir_fence_changes(const Bench* bench, size_t* count) {
    *count = bench->fence.size();
    return bench->fence.data();
}

// Forgets what was seen so far.
void weir_forget(Bench* bench) {
    for (Side& side : bench->side) {
        side.sent.clear();
        side.beats.clear();
        side.bytes.clear();
        side.words.clear();
    }
    bench->fence.clear();
}

}  // extern "C"
#pragma GCC visibility pop
