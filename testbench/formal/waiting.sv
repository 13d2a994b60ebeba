// The queue of verdicts in the gate of a top never overflows and is never asked in vain: the two things that its own proof
// (`fifo`, `forwarding_fifo`) assumes. A verdict is taken L clocks after the first beat of its frame (`queue64`, `queue512`).
// It comes a fixed time after the beat that ends the header window of its frame, so EARLY clocks after the first beat at the
// least (`front64`, `front512`, `lookup`, `verdict`), and in time for the gate at the most.
module prove(input clock, input reset, input first, input write, input [1:0] data_in);
    localparam PLACES = 64, L = `L, LATEST = `L - `MID, EARLY = `EARLY;
    wire [1:0] data_out;
    wire empty, read;
    `PART dut(.*);

    // Of the queue.
    wire [5:0] head, tail;
    wire [5:0] there = tail - head;
    reg begun = 0;
    // Frames that had begun i + 1 clocks ago; verdicts put and taken.
    reg [7:0] frames [0:L-1];
    reg [7:0] put, taken;
    wire [7:0] may = frames[EARLY-1], must = frames[LATEST-1], waiting = put - taken;
    wire [7:0] put_now = put + write, left = may - put_now, most = may - must, behind = may - put;
    assign read = frames[L-1] != taken;
    integer i;
    always @(posedge clock) begin
        begun <= 1;
        frames[0] <= frames[0] + first;
        for (i = 1; i < L; i = i + 1) frames[i] <= frames[i - 1];
        put <= put_now;
        taken <= taken + read;
        if (reset) begin
            for (i = 0; i < L; i = i + 1) frames[i] <= 0;
            put <= 0;
            taken <= 0;
        end
    end
    // At most a frame begins in a clock, and none is taken twice: holds by itself, and the rest follows from it.
    reg steady;
    reg [7:0] step;
    always @* begin
        steady = 1;
        for (i = 1; i < L; i = i + 1) begin
            step = frames[i - 1] - frames[i];
            steady = steady && step <= 1;
        end
        step = frames[L-1] - taken;
        steady = steady && step <= 1;
    end
    always @* begin
        if (!begun) assume (reset);
        if (begun) assume (reset ? !write : left <= most);
    end
    always @* if (begun && !reset) begin
        l_steady: assert (steady && behind <= most + 1);
        a_fits: assert (there == waiting[5:0] && waiting <= L - EARLY && L - EARLY < PLACES);
        a_there: assert (empty == (waiting == 0 && (`MID || !write)) && !(read && empty));
    end
endmodule
