// The windows of the flow key are written in the bank that is loaded and read in the bank of the header, whatever goes on in
// the other. The lowest bit of a window stands for the bank that it is for, and that of octets for the bank of their header:
// so a lane can tell.
module prove(input clock, input s_key, input s_key_first, input s_key_bank, input [82:0] s_window, input s_valid,
             input s_bank, input [16*`GROUPS-1:0] s_octets, input [4*`GROUPS-1:0] s_ports);
    wire [63:0] m_signature;
    `PART dut(.*);

    // A window is whole, and written, the clock after its last bit came. Octets come from the clock after a header.
    reg key_bank = 0, bank = 0;
    always @(posedge clock) begin
        if (s_key) key_bank <= s_key_bank;
        if (s_valid) bank <= s_bank;
    end
    integer i;
    always @* begin
        assume (s_window[0] == key_bank);
        for (i = 0; i < `GROUPS; i = i + 1) assume (s_octets[16*i] == bank);
    end
endmodule

// A lane, without its windows. The bank of the address holds in every clock, though a window is written only after 80 bits.
module lanes__0(input clock, input we, input [`A-1:0] waddr, input [82:0] wdata, input [`A-1:0] raddr, input [15:0] s_octets,
                input [3:0] s_ports, output [63:0] m_early, output [63:0] m_late, output [63:0] m_ports);
    (* anyseq *) wire [191:0] sums;
    assign {m_early, m_late, m_ports} = sums;
    always @* begin
        a_written: assert (waddr[0] == wdata[0]);
        a_read: assert (raddr[0] == s_octets[0]);
    end
endmodule
