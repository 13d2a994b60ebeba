// The tables of virtual IPs are written in the bank that is loaded and read in the bank of the header, whatever goes on in the
// other. The lowest bit of a word stands for the bank that it is for, and that of an address for the bank of its header: so a
// lane can tell.
module prove(input clock, input load_vip, input [5:0] load_entry, input [2:0] load_reg, input [31:0] load_data,
             input load_bank, input s_valid, input s_bank, input s_live, input s_ipv6, input [127:0] s_address);
    wire m_hit;
    wire [3:0] m_index;
    `PART dut(.*);
    always @* assume (load_data[0] == load_bank && s_address[0] == s_bank);
endmodule

// A lane, without its table.
module lanes__0(input clock, input we, input [`A-1:0] waddr, input [129:0] wdata, input [`A-1:0] raddr, input s_live,
                input s_ipv6, input [127:0] s_address, output m_hit);
    (* anyseq *) wire hit;
    assign m_hit = hit;
    always @* begin
        a_written: assert (!we || waddr[0] == wdata[0]);
        a_read: assert (raddr[0] == s_address[0]);
    end
endmodule
