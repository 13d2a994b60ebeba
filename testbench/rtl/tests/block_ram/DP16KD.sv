// Lattice's DP16KD, as far as its documents define it: both ports, every width, the output registers, the write modes,
// byte enables, and 36 bits over both data ports. Pins count addresses in bits of 16384; to every eight belongs a ninth,
// which the narrow widths do not see. What the part leaves open is x: a word that one port reads while the other writes.
module DP16KD #(
    parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG",
    parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL",
    parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC",
    parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000", GSR = "DISABLED",
    parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB",
    parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0,
    parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0, INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0,
    parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0,
    parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0, INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0,
    parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0,
    parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0,
    parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0,
    parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0, INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0
) (
    input CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
    input CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
    input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
    output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,
    output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);
    // A port of 1, 2 or 4 bits sees eight of every nine.
    reg [35:0] rows [0:511];
    integer i;
    initial for (i = 0; i < 512; i = i + 1) rows[i] = 0;
    wire [20479:0] start = {
        INITVAL_00, INITVAL_01, INITVAL_02, INITVAL_03, INITVAL_04, INITVAL_05, INITVAL_06, INITVAL_07,
        INITVAL_08, INITVAL_09, INITVAL_0A, INITVAL_0B, INITVAL_0C, INITVAL_0D, INITVAL_0E, INITVAL_0F,
        INITVAL_10, INITVAL_11, INITVAL_12, INITVAL_13, INITVAL_14, INITVAL_15, INITVAL_16, INITVAL_17,
        INITVAL_18, INITVAL_19, INITVAL_1A, INITVAL_1B, INITVAL_1C, INITVAL_1D, INITVAL_1E, INITVAL_1F,
        INITVAL_20, INITVAL_21, INITVAL_22, INITVAL_23, INITVAL_24, INITVAL_25, INITVAL_26, INITVAL_27,
        INITVAL_28, INITVAL_29, INITVAL_2A, INITVAL_2B, INITVAL_2C, INITVAL_2D, INITVAL_2E, INITVAL_2F,
        INITVAL_30, INITVAL_31, INITVAL_32, INITVAL_33, INITVAL_34, INITVAL_35, INITVAL_36, INITVAL_37,
        INITVAL_38, INITVAL_39, INITVAL_3A, INITVAL_3B, INITVAL_3C, INITVAL_3D, INITVAL_3E, INITVAL_3F
    };
    initial #0 if (|start) $fatal(1, "this model starts with zeros alone");

    wire [13:0] a_at = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
    wire [13:0] b_at = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
    wire [17:0] a_d = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [17:0] b_d = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};

    // Where a word of `width` bits starts in its row: the address bits below the row are bits of eight-bit octets.
    function [5:0] place(input integer width, input [13:0] at);
        case (width)
            36: place = 0;
            18: place = at[4] * 18;
            9: place = at[4:3] * 9;
            default: place = at[4:3] * 9 + (at[2:0] & ~(width - 1));
        endcase
    endfunction

    function [35:0] shown(input integer width, input [13:0] at);
        shown = (rows[at[13:5]] >> place(width, at)) & ((64'd1 << width) - 1);
    endfunction

    // The bits of the row that a write changes.
    function [35:0] mask(input integer width, input [13:0] at);
        reg [35:0] bits;
        begin
            bits = (64'd1 << width) - 1;
            if (width >= 18) bits = bits & {{9{at[3]}}, {9{at[2]}}, {9{at[1]}}, {9{at[0]}}};
            mask = bits << place(width, at);
        end
    endfunction

    wire a_writes = CEA && WEA && {CSA2, CSA1, CSA0} == 0;
    wire b_writes = CEB && WEB && {CSB2, CSB1, CSB0} == 0;
    wire [35:0] a_word = DATA_WIDTH_A == 36 ? {b_d, a_d} : a_d;
    wire [35:0] a_mask = a_writes ? mask(DATA_WIDTH_A, a_at) : 0;
    wire [35:0] b_mask = b_writes ? mask(DATA_WIDTH_B, b_at) : 0;

    reg [35:0] a_latch = 0, b_latch = 0, a_reg = 0, b_reg = 0;
    wire [35:0] a_hurt = a_at[13:5] == b_at[13:5] ? b_mask >> place(DATA_WIDTH_A, a_at) : 0;
    wire [35:0] b_hurt = a_at[13:5] == b_at[13:5] ? a_mask >> place(DATA_WIDTH_B, b_at) : 0;

    always @(posedge CLKA) begin
        if (CEA) begin
            if (!WEA || WRITEMODE_A == "READBEFOREWRITE") a_latch <= shown(DATA_WIDTH_A, a_at) ^ (a_hurt & {36{1'bx}});
            else if (WRITEMODE_A == "WRITETHROUGH") a_latch <= a_d;
        end
        if (RSTA) a_latch <= 0;
        if (OCEA) a_reg <= RSTA ? 0 : a_latch;
        if (a_writes)
            rows[a_at[13:5]] <= (rows[a_at[13:5]] & ~a_mask) | (a_word << place(DATA_WIDTH_A, a_at) & a_mask);
    end

    always @(posedge CLKB) begin
        if (CEB) begin
            if (!WEB || WRITEMODE_B == "READBEFOREWRITE") b_latch <= shown(DATA_WIDTH_B, b_at) ^ (b_hurt & {36{1'bx}});
            else if (WRITEMODE_B == "WRITETHROUGH") b_latch <= b_d;
        end
        if (RSTB) b_latch <= 0;
        if (OCEB) b_reg <= RSTB ? 0 : b_latch;
        if (b_writes)
            rows[b_at[13:5]] <= (rows[b_at[13:5]] & ~b_mask) | (b_d << place(DATA_WIDTH_B, b_at) & b_mask);
    end

    wire [35:0] a_q = REGMODE_A == "OUTREG" ? a_reg : a_latch;
    wire [35:0] b_q = REGMODE_B == "OUTREG" ? b_reg : b_latch;
    // With 36 bits the word that port B reads has its lower half on port A.
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} =
        DATA_WIDTH_B == 36 ? b_q[17:0] : a_q[17:0];
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} =
        DATA_WIDTH_B == 36 ? b_q[35:18] : b_q[17:0];
endmodule
