// Frames leave whole, in order and beat for beat as they came, the same number of clocks later, or not at all.
module prove(input clock, input reset, input [63:0] s_tdata, input [7:0] s_tkeep, input s_tvalid, input s_tlast,
             input s_tuser, input verdict_valid, input verdict_pass, input verdict_mask);
    // L and MID of the part that is emitted; LATENCY as the circuit says.
    localparam L = 5, MID = 1, LATENCY = L + MID + 1;
    (* anyconst *) reg [47:0] masked_mac;
    wire [63:0] m_tdata;
    wire [7:0] m_tkeep;
    wire m_tvalid, m_tlast, m_tuser;
    part_gate dut(.*);

    reg begun = 0;
    reg in_frame, second;
    reg [3:0] frames, verdicts;
    reg [15:0] known, passes, masks;
    // Beats on their way: data, keep, last, user, first, second, number of the frame.
    reg [LATENCY-1:0] there;
    reg [79:0] way [0:LATENCY-1];
    wire first = !in_frame;
    wire [3:0] number = first ? frames : frames - 4'd1;
    integer i;
    always @(posedge clock) begin
        begun <= 1;
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

    wire [79:0] due = way[L-MID-1];
    always @* begin
        if (!begun) assume (reset);
        // A verdict a frame, in order, after its first beat, in time.
        assume (!verdict_valid || !reset && verdicts != frames);
        if (begun && there[L-MID-1] && due[5]) assume (known[due[3:0]] || verdict_valid && verdicts == due[3:0]);
        // The stream protocol of the input.
        if (s_tvalid && !s_tlast) assume (s_tkeep == 8'hff);
        if (s_tvalid) assume (s_tkeep != 0 && (s_tkeep & (s_tkeep + 8'd1)) == 0);
        if (s_tvalid && !s_tlast && first) assume (s_tkeep == 8'hff);
    end

    wire [79:0] out = way[LATENCY-1];
    wire leaves = there[LATENCY-1] && passes[out[3:0]];
    wire masked = masks[out[3:0]];
    wire [63:0] data = out[79:16];
    wire [63:0] wanted = masked && out[5] ? {masked_mac[15:0], data[47:0]}
        : masked && out[4] ? {data[63:32], masked_mac[47:16]} : data;
    always @* if (begun && !reset) begin
        a_whole_frames_in_order: assert (m_tvalid == leaves);
        if (leaves) begin
            a_data: assert (m_tdata == wanted);
            a_rest: assert (m_tkeep == out[15:8] && m_tlast == out[7] && m_tuser == out[6]);
        end
    end
endmodule
