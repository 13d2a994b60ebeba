// Once fenced, only a commit lifts the fence, and only one whose own deadline lay ahead; past its deadline the NIC is fenced.
module prove(input clock, input reset, input [63:0] nic_time, input stamp, input latch, input [31:0] word,
             input take_lo, input take_hi, input judge, input renew, input load, input commit);
    localparam SETTLE = 5, FENCE = 6;
    wire [31:0] time_lo, time_hi;
    wire judged, too_far, fenced;
    wire [63:0] in_force;
    part_deadline dut(.*);

    reg begun = 0;
    reg [63:0] next = 0, deadline = 0, last_time;
    // The time so many clocks ago, and the clocks since a load, and since the deadline last moved.
    reg [63:0] ago [1:6];
    reg [2:0] loading;
    reg [3:0] quiet;
    integer i;
    always @(posedge clock) begin
        begun <= 1;
        last_time <= nic_time;
        ago[1] <= nic_time;
        for (i = 2; i <= 6; i = i + 1) ago[i] <= ago[i - 1];
        if (take_lo) next[31:0] <= word;
        if (take_hi) next[63:32] <= word;
        if (load || renew) deadline <= next;
        loading <= load ? 1 : loading != 0 && loading != SETTLE ? loading + 3'd1 : 0;
        quiet <= load || renew || reset ? 0 : quiet == 15 ? 15 : quiet + 4'd1;
        if (reset) loading <= 0;
    end
    always @* begin
        if (!begun) assume (reset);
        else begin
            assume (nic_time >= last_time);
            assume (commit == (loading == SETTLE));
            if (loading != 0) assume (!load && !renew && !take_lo && !take_hi);
            if (renew || load) assume (!take_lo && !take_hi && !(renew && load));
            if (renew) assume (!fenced && !too_far);
        end
        if (reset) assume (!load && !renew && !commit);
        assume (!(take_lo && take_hi));
    end
    always @(posedge clock) if (begun && $past(begun)) begin
        if ($past(fenced && !commit)) a_stays: assert (fenced);
        if ($past(reset)) a_reset: assert (fenced);
        if ($past(commit && !reset)) a_commit: assert (fenced == (ago[6] >= deadline));
        if (!fenced && quiet >= 8) a_falls: assert (ago[FENCE] < deadline);
    end
endmodule
