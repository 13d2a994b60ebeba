// The windows of the hash key are written in the bank that is loaded and read in the bank of the header, whatever goes on in
// the other. The lowest bit of a window stands for the bank that it is for, and that of octets and of bits of the ports for
// the bank of their header: so a lane can tell.
module prove(input clock, input s_key, input [8:0] s_key_number, input s_key_bank, input [26:0] s_window,
             input s_valid, input s_bank, input s_ipv6, input s_ipv6_then, input [16*`GROUPS-1:0] s_octets,
             input [4*`GROUPS-1:0] s_ports);
    wire [11:0] m_none, m_single, m_network;
    `PART dut(.*);

    // A window is whole, and written, the clock after its last bit came. Octets and ports come from the clock after a header.
    reg key_bank = 0, bank = 0;
    always @(posedge clock) begin
        key_bank <= s_key_bank;
        if (s_valid) bank <= s_bank;
    end
    integer i;
    always @* begin
        assume (s_window[0] == key_bank);
        for (i = 0; i < `GROUPS; i = i + 1) assume (s_octets[16*i] == bank && s_ports[4*i] == bank);
    end
endmodule

// A lane of the address, without its windows.
module lanes__0(input clock, input we, input [`A-1:0] waddr, input [26:0] wdata, input [`A-1:0] raddr, input [15:0] s_octets,
                output [11:0] m_upper, output [11:0] m_lower);
    (* anyseq *) wire [23:0] sums;
    assign {m_upper, m_lower} = sums;
    always @* begin
        a_written: assert (!we || waddr[0] == wdata[0]);
        a_read: assert (raddr[0] == s_octets[0]);
    end
endmodule

// A lane of the ports, without its windows.
module port_lanes__0(input clock, input we, input [`PA-1:0] waddr, input [14:0] wdata, input [`PA-1:0] raddr, input s_counts,
                     input [3:0] s_bits, output [11:0] m_sum);
    (* anyseq *) wire [11:0] sum;
    assign m_sum = sum;
    always @* begin
        a_port_written: assert (!we || waddr[0] == wdata[0]);
        a_port_read: assert (raddr[0] == s_bits[0]);
    end
endmodule
