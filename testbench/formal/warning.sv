// "The lease is ending" is said within two rounds of when it is so, and taken back likewise; it never comes of half of one
// deadline or warning and half of another. The other conditions are those of the clock before.
module prove(input clock, input reset, input [63:0] nic_time, input [63:0] deadline, input [31:0] lease, input moves,
             input fenced, input [12:0] flows, input [12:0] most, input no_link);
    localparam ROUND = 8;
    wire lease_ending, flows_high, link_down;
    wire [3:0] irq;
    part_warning dut(.*);

    // What is to be said, with all bits at once.
    wire ends = lease != 0 && {1'b0, deadline} < {1'b0, nic_time} + {33'b0, lease};
    integer slice;
    reg begun = 0;
    // So many clocks ago, and the clocks since anything moved.
    reg [2 * ROUND + 1:1] ended;
    reg [5:0] quiet = 0;
    always @(posedge clock) begin
        begun <= 1;
        ended <= {ended[2 * ROUND:1], ends};
        quiet <= moves || reset ? 0 : quiet == 63 ? 63 : quiet + 6'd1;
    end
    always @* begin
        if (!begun) assume (reset);
        // The sum never runs over: the clock began at zero, half a million years ago.
        assume (!nic_time[63]);
        // All bits of a slice of 16 are alike, but the lowest of the first two: a carry still begins, goes through and ends, and the
        // solver has a tenth of the bits.
        for (slice = 0; slice < 64; slice = slice + 16) begin
            assume (nic_time[slice + 1 +: 15] == {15{nic_time[slice + 1]}});
            assume (deadline[slice + 1 +: 15] == {15{deadline[slice + 1]}});
        end
        assume (nic_time[32] == nic_time[33] && nic_time[48] == nic_time[49]);
        assume (deadline[32] == deadline[33] && deadline[48] == deadline[49]);
        assume (lease[1 +: 15] == {15{lease[1]}} && lease[16 +: 16] == {16{lease[16]}});
    end
    always @(posedge clock) if (begun) begin
        assume (nic_time >= $past(nic_time));
        if (!$past(moves)) assume (deadline == $past(deadline) && lease == $past(lease));
    end
    always @(posedge clock) if (begun && $past(begun)) begin
        if (quiet > 2 * ROUND && ended[2 * ROUND + 1] && !fenced) a_told: assert (lease_ending);
        if (quiet > ROUND + 1 && !ended[1]) a_taken_back: assert (!lease_ending);
        if ($past(!lease_ending && !fenced) && lease_ending) a_whole: assert (ended[ROUND] && quiet >= ROUND);
        if ($past(lease_ending && !reset) && !fenced && !lease_ending) a_wholly_over: assert (!ended[ROUND] && quiet >= ROUND);
        a_high: assert (flows_high == ($past(!reset && most != 0 && flows >= most)));
        a_down: assert (link_down == $past(no_link));
        if (fenced) a_fenced: assert (!lease_ending);
        a_vectors: assert (irq == {link_down, flows_high, fenced, lease_ending});
    end
endmodule
