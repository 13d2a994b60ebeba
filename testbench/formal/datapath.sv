// A header keeps one epoch: the bank in force when its addresses are there is the one that every table is told for it, at
// whatever clock the table is asked; and its blocks are asked at their clocks, on both ways. The blocks themselves are cut out,
// and say anything.
module prove(input clock, input reset, input bank, input live);
    `PART dut(.clock(clock), .reset(reset), .bank(bank), .live(live));

    // Of the data path: what the fronts say (addresses, ports, kind), and what each table is told: valid, (live,) bank.
    wire [2:0] rx_says;
    wire tx_says;
    wire [2:0] rx_vips, tx_vips;
    wire [1:0] ports, hash, scope, lookup;

    localparam KIND_TO_LOOKUP = `LOOKUP_AT - 1 - `KIND_AT;
    reg begun = 0;
    // Clocks ago: bank in force; addresses and kinds.
    reg [`LOOKUP_AT:1] banks, addresses, kinds;
    wire [`LOOKUP_AT:0] bank_ago = {banks, bank}, addresses_ago = {addresses, rx_says[2]}, kinds_ago = {kinds, rx_says[0]};
    always @(posedge clock) begin
        begun <= 1;
        banks <= bank_ago;
        addresses <= reset ? 0 : addresses_ago;
        kinds <= reset ? 0 : kinds_ago;
    end
    always @* begin
        if (!begun) assume (reset);
        if (reset) assume (rx_says == 0);
    end
    always @* if (begun && !reset) begin
        a_vips: assert (rx_vips == {rx_says[2], live, bank} && tx_vips == {tx_says, live, bank});
        a_asked: assert (ports[1] == rx_says[1] && hash[1] == rx_says[1] && scope[1] == addresses_ago[`SCOPE_AT]
                         && lookup[1] == kinds_ago[KIND_TO_LOOKUP]);
        if (addresses_ago[`PORTS_AT]) a_ports: assert (ports[0] == bank_ago[`PORTS_AT]);
        if (addresses_ago[`PORTS_AT]) a_hash: assert (hash[0] == bank_ago[`PORTS_AT]);
        if (addresses_ago[`SCOPE_AT]) a_scope: assert (scope[0] == bank_ago[`SCOPE_AT]);
        if (addresses_ago[`LOOKUP_AT-1]) a_lookup: assert (lookup[0] == bank_ago[`LOOKUP_AT-1]);
    end
endmodule
