// The tables of ports are written in the bank that is loaded and read in the bank of the header, whatever goes on in the
// other. The lowest bit of a word stands for the bank that it is for, and that of a port for the bank of its header: so a lane
// can tell.
module prove(input clock, input load_rule, input [5:0] load_entry, input [2:0] load_reg, input [31:0] load_data,
             input load_bank, input s_valid, input s_bank, input s_tcp, input [15:0] s_port, input s_no_port);
    wire [31:0] m_hits;
    `PART dut(.*);
    always @* assume (load_data[0] == load_bank && s_port[0] == s_bank);
endmodule

// A lane, without its tables. A word that is read meets the port a clock later.
module lanes__0(input clock, input we, input [`A-1:0] waddr, input [34:0] wdata, input [`A-1:0] raddr,
                input s_tcp, input [15:0] s_port, input s_no_port, output m_hit);
    (* anyseq *) wire hit;
    assign m_hit = hit;
    reg bank = 0;
    always @(posedge clock) bank <= raddr[0];
    always @* begin
        a_written: assert (!we || waddr[0] == wdata[0]);
        a_read: assert (bank == s_port[0]);
    end
endmodule
