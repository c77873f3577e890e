// SPDX-License-Identifier: Apache-2.0
// Delays, in ps, of the UltraScale+ cells for which yosys' cells_sim.v has none, so that `sta` follows
// paths through them. Each takes the figure that cells_sim.v states for its 7-series counterpart (Artix-7,
// prjxray-db): RAMB36E1, DSP48E1, RAM32M, RAM64M, RAM64X1D, RAM128X1D. Relative figures only.
// Conditions are left out on purpose: the worst case is taken.

module RAMB36E2 (
    input CLKARDCLK, CLKBWRCLK,
    input [14:0] ADDRARDADDR, ADDRBWRADDR,
    input [31:0] DINADIN, DINBDIN, input [3:0] DINPADINP, DINPBDINP,
    input [3:0] WEA, input [7:0] WEBWE,
    input ENARDEN, ENBWREN, REGCEAREGCE, REGCEB, RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
    output [31:0] DOUTADOUT, DOUTBDOUT, output [3:0] DOUTPADOUTP, DOUTPBDOUTP
);
    parameter DOA_REG = 1;
    parameter DOB_REG = 1;
    specify
        $setup(ADDRARDADDR, posedge CLKARDCLK, 566);
        $setup(ADDRBWRADDR, posedge CLKBWRCLK, 566);
        $setup(DINADIN, posedge CLKARDCLK, 737);
        $setup(DINBDIN, posedge CLKBWRCLK, 737);
        $setup(DINPADINP, posedge CLKARDCLK, 737);
        $setup(DINPBDINP, posedge CLKBWRCLK, 737);
        $setup(WEA, posedge CLKARDCLK, 532);
        $setup(WEBWE, posedge CLKBWRCLK, 532);
        $setup(REGCEAREGCE, posedge CLKARDCLK, 360);
        $setup(REGCEB, posedge CLKBWRCLK, 360);
        $setup(RSTREGARSTREG, posedge CLKARDCLK, 342);
        $setup(RSTREGB, posedge CLKBWRCLK, 342);
        (posedge CLKARDCLK => (DOUTADOUT : 32'bx)) = DOA_REG ? 882 : 2454;
        (posedge CLKARDCLK => (DOUTPADOUTP : 4'bx)) = DOA_REG ? 882 : 2454;
        (posedge CLKBWRCLK => (DOUTBDOUT : 32'bx)) = DOB_REG ? 882 : 2454;
        (posedge CLKBWRCLK => (DOUTPBDOUTP : 4'bx)) = DOB_REG ? 882 : 2454;
    endspecify
endmodule

module RAMB18E2 (
    input CLKARDCLK, CLKBWRCLK,
    input [13:0] ADDRARDADDR, ADDRBWRADDR,
    input [15:0] DINADIN, DINBDIN, input [1:0] DINPADINP, DINPBDINP,
    input [1:0] WEA, input [3:0] WEBWE,
    input ENARDEN, ENBWREN, REGCEAREGCE, REGCEB, RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
    output [15:0] DOUTADOUT, DOUTBDOUT, output [1:0] DOUTPADOUTP, DOUTPBDOUTP
);
    parameter DOA_REG = 1;
    parameter DOB_REG = 1;
    specify
        $setup(ADDRARDADDR, posedge CLKARDCLK, 566);
        $setup(ADDRBWRADDR, posedge CLKBWRCLK, 566);
        $setup(DINADIN, posedge CLKARDCLK, 737);
        $setup(DINBDIN, posedge CLKBWRCLK, 737);
        $setup(DINPADINP, posedge CLKARDCLK, 737);
        $setup(DINPBDINP, posedge CLKBWRCLK, 737);
        $setup(WEA, posedge CLKARDCLK, 532);
        $setup(WEBWE, posedge CLKBWRCLK, 532);
        $setup(REGCEAREGCE, posedge CLKARDCLK, 360);
        $setup(REGCEB, posedge CLKBWRCLK, 360);
        $setup(RSTREGARSTREG, posedge CLKARDCLK, 342);
        $setup(RSTREGB, posedge CLKBWRCLK, 342);
        (posedge CLKARDCLK => (DOUTADOUT : 16'bx)) = DOA_REG ? 882 : 2454;
        (posedge CLKARDCLK => (DOUTPADOUTP : 2'bx)) = DOA_REG ? 882 : 2454;
        (posedge CLKBWRCLK => (DOUTBDOUT : 16'bx)) = DOB_REG ? 882 : 2454;
        (posedge CLKBWRCLK => (DOUTPBDOUTP : 2'bx)) = DOB_REG ? 882 : 2454;
    endspecify
endmodule
