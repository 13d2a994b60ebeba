// A commit flips the bank at once; the deadline is loaded, then in force, at their clocks, and configured is for ever.
module prove(input clock, input reset, input flip);
    localparam D = 8, SETTLE = 5, DONE = 64;
    wire m_bank, m_live, m_load, m_lease, m_configured, m_done;
    part_epoch dut(.*);

    reg begun = 0;
    reg bank, live, configured;
    // Clocks since the flip; 127 for none under way.
    reg [6:0] age;
    always @(posedge clock) begin
        begun <= 1;
        bank <= !reset && (bank ^ flip);
        live <= !reset && (live || flip);
        configured <= !reset && (configured || age == D);
        age <= reset ? 127 : flip ? 1 : age == 127 || age == DONE ? 127 : age + 7'd1;
    end
    always @* begin
        if (!begun) assume (reset);
        // The next commit begins when this one is done.
        if (flip) assume (!reset && age == 127 && !m_done);
    end
    always @* if (begun && !reset) begin
        a_bank: assert (m_bank == bank && m_live == live && m_configured == configured);
        a_load: assert (m_load == (age == D - SETTLE));
        a_lease: assert (m_lease == (age == D));
        a_done: assert (m_done == (age == DONE));
    end
endmodule
