// The gate of a top, at its own delay: each verdict is put in the queue once, and taken with the first beat of its frame,
// the delay after that beat came. `waiting64` and `waiting512` show that so the queue never overflows.
module prove(input clock, input reset, input [`W-1:0] s_tdata, input [`W/8-1:0] s_tkeep, input s_tvalid, input s_tlast,
             input s_tuser, input verdict_valid, input verdict_pass, input verdict_mask, input [47:0] masked_mac);
    wire [`W-1:0] m_tdata;
    wire [`W/8-1:0] m_tkeep;
    wire m_tvalid, m_tlast, m_tuser;
    `PART dut(.*);

    // Of the queue in the gate.
    wire puts, takes;
    reg begun = 0;
    reg in_frame;
    // First beats of the last clocks.
    reg [`L-1:0] firsts;
    always @(posedge clock) begin
        begun <= 1;
        if (s_tvalid) in_frame <= !s_tlast;
        if (reset) in_frame <= 0;
        firsts <= reset ? 0 : {firsts, s_tvalid && !in_frame};
    end
    always @* if (!begun) assume (reset);
    always @* if (begun && !reset) begin
        a_once: assert (puts == verdict_valid);
        a_with_its_frame: assert (takes == firsts[`L-1]);
    end
endmodule
