// The cluster MAC does not leave: it is masked, or with masking off held back; and the fence holds what comes from a VIP.
module prove(input clock, input reset, input fenced, input configured, input masking, input s_valid, input [3:0] s_kind,
             input s_late, input [47:0] s_mac, input s_mac_valid, input s_vip);
    localparam WAY = 2;
    // First octet in bits 7:0, as the register has it.
    (* anyconst *) reg [47:0] cluster_mac;
    wire m_valid;
    wire [31:0] m_word;
    part_egress dut(.*);

    wire [47:0] cluster = {cluster_mac[7:0], cluster_mac[15:8], cluster_mac[23:16],
                           cluster_mac[31:24], cluster_mac[39:32], cluster_mac[47:40]};
    wire hit = masking && s_mac_valid && s_mac == cluster;
    wire leak = !masking && s_mac_valid && s_mac[47:32] == 16'h02bf;
    wire balanced = s_kind >= 5 && s_kind <= 9;
    reg begun = 0;
    reg [4:0] way [1:WAY+2];
    reg valid, passes, masked;
    wire [4:0] now = way[WAY+2];
    wire held = now[3] || now[1] || now[2] && (!configured || fenced && s_vip);
    integer i;
    always @(posedge clock) begin
        begun <= 1;
        way[1] <= reset ? 0 : {s_valid, s_late, balanced, leak, hit};
        for (i = 2; i <= WAY + 2; i = i + 1) way[i] <= reset ? 0 : way[i - 1];
        valid <= now[4] && !reset;
        passes <= !held;
        masked <= now[0] && !held;
    end
    always @* if (!begun) assume (reset);
    always @* if (begun && !reset) begin
        a_valid: assert (m_valid == valid);
        if (valid) begin
            a_pass: assert (m_word[0] == passes);
            a_mask: assert (m_word[1] == masked && m_word[31:2] == 0);
        end
    end
endmodule
