// A NIC that is a wire: every frame passes, one clock later, and the bus has one register. For testing the bench itself,
// at any width; the names and directions of its ports are those of the circuits.
module WIRE #(parameter BITS = 512) (
    input wire clock, input wire aresetn, input wire [63:0] nic_time,
    input wire [BITS-1:0] s_axis_rx_tdata, input wire [BITS/8-1:0] s_axis_rx_tkeep,
    input wire s_axis_rx_tvalid, input wire s_axis_rx_tlast, input wire s_axis_rx_tuser,
    output reg [BITS-1:0] m_axis_rx_tdata, output reg [BITS/8-1:0] m_axis_rx_tkeep,
    output reg m_axis_rx_tvalid, output reg m_axis_rx_tlast, output reg m_axis_rx_tuser,
    input wire [BITS-1:0] s_axis_tx_tdata, input wire [BITS/8-1:0] s_axis_tx_tkeep,
    input wire s_axis_tx_tvalid, input wire s_axis_tx_tlast, input wire s_axis_tx_tuser,
    output reg [BITS-1:0] m_axis_tx_tdata, output reg [BITS/8-1:0] m_axis_tx_tkeep,
    output reg m_axis_tx_tvalid, output reg m_axis_tx_tlast, output reg m_axis_tx_tuser,
    input wire [17:0] s_axil_awaddr, input wire s_axil_awvalid, output wire s_axil_awready,
    input wire [31:0] s_axil_wdata, input wire [3:0] s_axil_wstrb, input wire s_axil_wvalid, output wire s_axil_wready,
    output wire [1:0] s_axil_bresp, output reg s_axil_bvalid, input wire s_axil_bready,
    input wire [17:0] s_axil_araddr, input wire s_axil_arvalid, output wire s_axil_arready,
    output reg [31:0] s_axil_rdata, output wire [1:0] s_axil_rresp, output reg s_axil_rvalid, input wire s_axil_rready,
    output reg fenced, output reg rx_verdict_valid, output reg [31:0] rx_verdict_data,
    output reg tx_verdict_valid, output reg [31:0] tx_verdict_data, input wire link_down, output wire [3:0] irq
);
    reg [31:0] word;
    wire taken = s_axil_awvalid & s_axil_wvalid & ~s_axil_bvalid;
    assign s_axil_awready = taken;
    assign s_axil_wready = taken;
    assign s_axil_bresp = 2'b00;
    assign s_axil_arready = ~s_axil_rvalid;
    assign s_axil_rresp = 2'b00;
    assign irq = {link_down, 1'b0, fenced, 1'b0};

    always_ff @(posedge clock) begin
        m_axis_rx_tdata <= s_axis_rx_tdata;
        m_axis_rx_tkeep <= s_axis_rx_tkeep;
        m_axis_rx_tvalid <= s_axis_rx_tvalid;
        m_axis_rx_tlast <= s_axis_rx_tlast;
        m_axis_rx_tuser <= s_axis_rx_tuser;
        m_axis_tx_tdata <= s_axis_tx_tdata;
        m_axis_tx_tkeep <= s_axis_tx_tkeep;
        m_axis_tx_tvalid <= s_axis_tx_tvalid;
        m_axis_tx_tlast <= s_axis_tx_tlast;
        m_axis_tx_tuser <= s_axis_tx_tuser;
        // Not IP, passed.
        rx_verdict_valid <= s_axis_rx_tvalid & s_axis_rx_tlast;
        rx_verdict_data <= 32'h3;
        tx_verdict_valid <= s_axis_tx_tvalid & s_axis_tx_tlast;
        tx_verdict_data <= 32'h1;
        fenced <= nic_time >= 64'd1000;
        s_axil_bvalid <= aresetn & (taken | (s_axil_bvalid & ~s_axil_bready));
        s_axil_rvalid <= aresetn & (s_axil_arvalid | s_axil_rvalid) & ~(s_axil_rvalid & s_axil_rready);
        if (taken & (&s_axil_wstrb)) word <= s_axil_wdata;
        if (s_axil_arvalid & ~s_axil_rvalid) s_axil_rdata <= word + {14'd0, s_axil_araddr};
    end
endmodule
