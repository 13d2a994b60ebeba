// What a header is judged by comes from its own bank alone, whatever is loaded into the other; and what goes by a rule is
// looked up, so that the fence holds it. What is said of new connections is the last word of its bank. Two circuits differ in
// what is loaded into the other bank.
module prove(input clock, input reset, input load_policy, input load_bank, input [31:0] load_data, input other_load,
             input [31:0] other_data, input k_valid, input k_bank, input [3:0] k_kind, input k_vip, input [5:0] s_rule,
             input [1:0] s_affinity, input [6:0] s_map, input [11:0] s_none, input [11:0] s_single, input [11:0] s_network,
             input [13:0] host_word, input host_we, input [31:0] host_wdata);
    // From the kind, which comes a clock before the rule.
    localparam LATENCY = `LATENCY + 1, LATER_FRAGMENT = 5, BEYOND = 6, TCP = 8, SYN = 9, QUIESCE = 17;
    (* anyconst *) reg mine;
    wire a_valid, b_valid;
    wire [28:0] a_plan, b_plan;
    wire [1:0] a_state, b_state;
    wire [31:0] a_rdata, b_rdata;
    `PART a(.host_rdata(a_rdata), .m_valid(a_valid), .m_plan(a_plan), .m_state(a_state), .*);
    wire same = load_policy && load_bank == mine;
    `PART b(.load_policy(same || other_load), .load_bank(same ? mine : !mine), .load_data(same ? load_data : other_data),
            .host_rdata(b_rdata), .m_valid(b_valid), .m_plan(b_plan), .m_state(b_state), .*);

    // Of both: the word of the pool that is asked for, and what comes three clocks later. The pool itself is not there: what
    // it says is free, but the same to both.
    wire [13:0] a_asks, b_asks;
    wire [31:0] a_word, b_word;
    reg [2:0] agree;
    always @(posedge clock) agree <= {agree, a_asks == b_asks};
    always @* if (agree[2]) assume (a_word == b_word);

    reg begun = 0;
    reg [1:0] quiesce = 0;
    // Whether its bank is to quiesce; there, its bank, its kind, of a virtual IP.
    reg [7:0] way [1:LATENCY];
    integer i;
    always @(posedge clock) begin
        begun <= 1;
        if (load_policy) quiesce[load_bank] <= load_data[QUIESCE];
        way[1] <= {quiesce[k_bank], k_valid, k_bank, k_kind, k_vip};
        for (i = 2; i <= LATENCY; i = i + 1) way[i] <= way[i - 1];
        if (reset) for (i = 1; i <= LATENCY; i = i + 1) way[i] <= 0;
    end
    always @* if (!begun) assume (reset);

    wire [7:0] now = way[LATENCY];
    wire [3:0] kind = now[4:1];
    always @* if (begun && !reset) begin
        a_one_a_frame: assert (a_valid == now[6] && b_valid == now[6]);
        if (a_valid && now[5] == mine) a_own_bank_alone: assert (a_plan == b_plan && a_state == b_state);
        if (a_valid && now[0] && kind >= BEYOND && kind <= SYN) a_by_rule: assert (a_plan[6] && a_plan[7]);
        if (a_valid && now[0] && (kind == TCP || kind == SYN)) a_quiesces: assert (a_plan[28:26] == {1'b1, now[7], kind == TCP});
        // Class 2, TCP or UDP: what is held before the first commit.
        if (a_valid && !now[0] && kind >= LATER_FRAGMENT && kind <= SYN)
            a_nobodys: assert (a_plan[5:2] == 2 && a_plan[27:26] == 3 && !a_plan[6]);
    end
endmodule

// Stands for the pool, whose 64 KiB no solver likes.
module pool(input clock, input [13:0] raddr, output [31:0] rdata, input [13:0] host_addr, input host_we,
            input [31:0] host_wdata, output [31:0] host_rdata);
    (* anyseq *) wire [31:0] word, host;
    assign rdata = word, host_rdata = host;
endmodule
