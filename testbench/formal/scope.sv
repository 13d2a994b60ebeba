// The masks of the virtual IPs and what a rule says are written in the bank that is loaded and read in the bank of the header,
// whatever goes on in the other. Affinity and map stand for the bank that they are for. Of the rules, those of bank 1 are for
// every virtual IP, and no four of bank 0 for the same one: so a mask can tell. Rules are loaded four by four, in rising order,
// each four into one bank, and no word comes while the circuit is busy: that is how the store streams them.
module prove(input clock, input load_rule, input [5:0] load_entry, input [2:0] load_reg, input [31:0] load_data,
             input load_bank, input s_valid, input s_bank, input [3:0] s_vip, input [31:0] s_hits, input s_default);
    localparam LATENCY = `LATENCY;
    wire load_busy;
    wire [5:0] m_rule;
    wire [1:0] m_affinity;
    wire [6:0] m_map;
    `PART dut(.*);

    reg [LATENCY-1:0] there = 0, bank;
    // Of the four rules that are loaded: the one that is next, and their bank.
    reg [1:0] low = 0;
    reg four;
    wire match = load_rule && load_reg == 1 && !load_entry[5];
    always @(posedge clock) begin
        there <= {there, s_valid};
        bank <= {bank, s_bank};
        if (match) begin
            low <= low + 2'd1;
            four <= load_bank;
        end
    end
    integer i;
    always @* begin
        if (load_rule) assume (!load_busy);
        if (match) assume (load_entry[1:0] == low && (low == 0 || load_bank == four));
        // The words of the default rule come behind those of the others.
        if (load_rule && load_reg == 1 && load_entry[5]) assume (low == 0);
        if (load_reg == 1) begin
            assume (load_data[12] == load_bank && load_data[1] == load_bank);
            assume (load_bank || load_data[3:2] == load_entry[1:0]);
        end else assume (load_data[0] == load_bank);
        for (i = 0; i < 8; i = i + 1) assume (s_hits[4*i] == s_bank);
    end
    always @* if (there[LATENCY-1])
        a_own_bank: assert (m_affinity[0] == bank[LATENCY-1] && m_map[0] == bank[LATENCY-1]);
endmodule

// The masks of four rules, without their table.
module masks__0(input clock, input we, input [4:0] waddr, input [3:0] wdata, input [4:0] raddr, input [3:0] s_hits,
                output m_any, output [1:0] m_first);
    (* anyseq *) wire [2:0] some;
    assign {m_any, m_first} = some;
    always @* begin
        a_mask_written: assert (!we || (wdata == 15) == waddr[4]);
        a_mask_read: assert (raddr[4] == s_hits[0]);
    end
endmodule

// What a rule says: tables that answer with the bank that they are read in.
module affinities(input clock, input we, input [5:0] waddr, input [1:0] wdata, input [5:0] raddr, output [1:0] rdata);
    assign rdata = {1'b0, raddr[5]};
    always @* a_affinity_written: assert (!we || waddr[5] == wdata[0]);
endmodule

module maps(input clock, input we, input [5:0] waddr, input [6:0] wdata, input [5:0] raddr, output [6:0] rdata);
    assign rdata = {6'd0, raddr[5]};
    always @* a_map_written: assert (!we || waddr[5] == wdata[0]);
endmodule

module default_affinities(input clock, input we, input waddr, input [1:0] wdata, input raddr, output [1:0] rdata);
    assign rdata = {1'b0, raddr};
    always @* a_default_affinity_written: assert (!we || waddr == wdata[0]);
endmodule

module default_maps(input clock, input we, input waddr, input [6:0] wdata, input raddr, output [6:0] rdata);
    assign rdata = {6'd0, raddr};
    always @* a_default_map_written: assert (!we || waddr == wdata[0]);
endmodule
