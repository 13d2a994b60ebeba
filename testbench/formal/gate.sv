// Frames leave whole, in order and beat for beat as they came, the same number of clocks later, or not at all; and what
// leaves keeps the rules of the stream, whatever comes in.
module prove(input clock, input reset, input [`W-1:0] s_tdata, input [`W/8-1:0] s_tkeep, input s_tvalid, input s_tlast,
             input s_tuser, input verdict_valid, input verdict_pass, input verdict_mask);
    localparam W = `W, K = W / 8, L = `L, MID = `MID, LATENCY = L + MID + 1;
    (* anyconst *) reg [47:0] masked_mac;
    wire [W-1:0] m_tdata;
    wire [K-1:0] m_tkeep;
    wire m_tvalid, m_tlast, m_tuser;
    `PART dut(.*);

    reg begun = 0;
    reg in_frame, second;
    reg [3:0] frames, verdicts;
    reg [15:0] known, passes, masks;
    // Clocks since the reset, up to the first in which a beat may leave.
    reg [3:0] age;
    // Beats on their way: data, keep, last, user, first, second, number of the frame.
    reg [LATENCY-1:0] there;
    reg [W+K+7:0] way [0:LATENCY-1];
    wire first = !in_frame;
    wire [3:0] number = first ? frames : frames - 4'd1;
    integer i;
    always @(posedge clock) begin
        begun <= 1;
        age <= reset ? 1 : age == LATENCY + 1 ? age : age + 4'd1;
        there <= reset ? 0 : {there, s_tvalid};
        way[0] <= {s_tdata, s_tkeep, s_tlast, s_tuser, first, second, number};
        for (i = 1; i < LATENCY; i = i + 1) way[i] <= way[i - 1];
        if (s_tvalid) begin
            in_frame <= !s_tlast;
            second <= first && !s_tlast;
            if (first) begin
                frames <= frames + 4'd1;
                known[frames] <= 0;
            end
        end
        if (verdict_valid) begin
            verdicts <= verdicts + 4'd1;
            known[verdicts] <= 1;
            passes[verdicts] <= verdict_pass;
            masks[verdicts] <= verdict_mask;
        end
        if (reset) begin
            in_frame <= 0;
            second <= 0;
            frames <= 0;
            verdicts <= 0;
            known <= 0;
        end
    end

    wire [W+K+7:0] due = way[L-MID-1];
    wire [K-1:0] above = s_tkeep + 1'b1;
    always @* begin
        if (!begun) assume (reset);
        // A verdict a frame, in order, after its first beat, in time.
        assume (!verdict_valid || !reset && verdicts != frames);
        if (begun && there[L-MID-1] && due[5]) assume (known[due[3:0]] || verdict_valid && verdicts == due[3:0]);
        // In the last beat the bytes are contiguous and at least one; elsewhere nobody looks.
        if (s_tvalid && s_tlast) assume (s_tkeep[0] && (s_tkeep & above) == 0);
    end

    wire [W+K+7:0] out = way[LATENCY-1];
    wire passed = passes[out[3:0]];
    wire leaves = there[LATENCY-1] && (passed || `MARK);
    wire masked = masks[out[3:0]];
    wire [W-1:0] data = out[W+K+7:K+8];
    wire [K-1:0] keep = out[7] ? out[K+7:8] : {K{1'b1}};
    wire [W-1:0] wanted;
    // The source MAC is octets 6 to 11.
    generate
        if (W == 64) assign wanted = masked && out[5] ? {masked_mac[15:0], data[47:0]}
            : masked && out[4] ? {data[63:32], masked_mac[47:16]} : data;
        else assign wanted = masked && out[5] ? {data[W-1:96], masked_mac, data[47:0]} : data;
    endgenerate
    wire [K-1:0] m_above = m_tkeep + 1'b1;
    always @* if (begun && !reset) begin
        a_whole_frames_in_order: assert (m_tvalid == leaves);
        if (leaves) begin
            a_data: assert (m_tdata == wanted);
            a_rest: assert (m_tkeep == keep && m_tlast == out[7]);
            a_user: assert (m_tuser == (out[6] || `MARK && out[7] && !passed));
        end
        a_nothing_from_before_the_reset: assert (!m_tvalid || age == LATENCY + 1);
        if (m_tvalid) a_keep: assert (m_tkeep[0] && (m_tkeep & m_above) == 0 && (m_tlast || &m_tkeep));
    end
endmodule
