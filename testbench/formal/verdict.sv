// Fenced, or before the first commit, no rule passes anything; else the verdict is that of the state table. Where OWN takes no
// new connections, none passes but a pinned one. One verdict a frame, MID + 1 clocks after its plan, by the fence of the clock
// before.
module prove(input clock, input reset, input fenced, input configured, input s_valid, input [28:0] s_plan,
             input [1:0] s_state, input s_pin, input s_foreign);
    localparam MID = `MID, NONE = 0, OWN = 1, ADOPT = 2, RELEASE = 3, FRAGMENT = 3, NOT_VIP = 2, BUCKET = 2,
        FENCED = 3, PINNED = 4, LISTED = 5;
    wire m_valid;
    wire [31:0] m_word;
    `PART dut(.*);

    reg begun = 0;
    reg [34:0] way [0:MID];
    reg fenced_then, configured_then;
    integer i;
    always @(posedge clock) begin
        begun <= 1;
        way[0] <= {s_valid, s_foreign, s_pin, s_state, s_plan};
        for (i = 1; i <= MID; i = i + 1) way[i] <= way[i - 1];
        fenced_then <= fenced;
        configured_then <= configured;
        if (reset) for (i = 0; i <= MID; i = i + 1) way[i] <= 0;
    end
    always @* if (!begun) assume (reset);

    wire [34:0] now = way[MID];
    wire [1:0] state = now[30:29], what = now[27:26];
    wire looked = now[6], pin = now[28] && now[31], foreign = now[28] && now[32];
    wire fragment = !now[28] && what == FRAGMENT;
    // While OWN takes no new connections: of TCP with ports, a SYN and the rest.
    wire quiet_syn = now[28] && what == 2, quiet_other = now[28] && what == 3;
    // Before anyone knows whose it is, TCP or UDP that is no virtual IP's might be the cluster's.
    wire nobodys = !looked && now[5:2] == NOT_VIP && fragment;
    reg passes;
    reg [2:0] why;
    always @* begin
        why = BUCKET;
        case (state)
            NONE: passes = 0;
            OWN: begin
                passes = quiet_syn ? pin : quiet_other ? !foreign : 1;
                if (quiet_syn && pin) why = PINNED;
                if (quiet_other && foreign) why = LISTED;
            end
            ADOPT: begin
                passes = !foreign;
                if (foreign) why = LISTED;
            end
            RELEASE: begin
                passes = fragment || pin;
                if (pin) why = PINNED;
            end
        endcase
    end
    wire accept = m_word[0];
    wire [2:0] reason = m_word[7:5];
    wire stopped = fenced_then && looked || !configured_then && nobodys;
    always @* if (begun && !reset) begin
        a_one_a_frame: assert (m_valid == now[33]);
        if (m_valid) begin
            if (fenced_then && looked) a_fenced: assert (!accept && reason == FENCED);
            if (!configured_then && nobodys) a_before_the_first_commit: assert (!accept && reason == FENCED);
            if (!stopped) a_by_the_table: assert (accept == (looked ? passes : now[0]));
            if (!stopped && looked) a_why: assert (reason == why);
            // No new connection where OWN takes none, whatever else holds.
            if (looked && state == OWN && quiet_syn && !pin) a_quiesced: assert (!accept);
            a_says_what: assert (m_word[4:1] == now[5:2] && m_word[10:9] == (looked ? state : 0) && m_word[16:11] == now[13:8]
                                 && m_word[28:17] == now[25:14] && m_word[29] == now[7] && m_word[30] == looked);
        end
    end
endmodule
