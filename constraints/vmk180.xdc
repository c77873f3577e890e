# SPDX-License-Identifier: Apache-2.0
# Pins of the VMK180, named as in AMD's board files (vmk180 production 3.2, part0_pins.xml).
# The block design talks to the decoder through the processing system and needs none of them; a design that
# adds a port of one of these names gets its pin. Absent ports are passed over.

# 200 MHz oscillator U3, also UG1411 v1.3, "Programmable LPDDR4 SI570 Clock2".
set_property -quiet -dict {PACKAGE_PIN AW27 IOSTANDARD DIFF_LVSTL_11} [get_ports -quiet lpddr4_sma_clk2_p]
set_property -quiet -dict {PACKAGE_PIN AY27 IOSTANDARD DIFF_LVSTL_11} [get_ports -quiet lpddr4_sma_clk2_n]

# Light-emitting diodes.
set_property -quiet -dict {PACKAGE_PIN H34 IOSTANDARD LVCMOS18} [get_ports -quiet gpio_led_0]
set_property -quiet -dict {PACKAGE_PIN J33 IOSTANDARD LVCMOS18} [get_ports -quiet gpio_led_1]
set_property -quiet -dict {PACKAGE_PIN K36 IOSTANDARD LVCMOS18} [get_ports -quiet gpio_led_2]
set_property -quiet -dict {PACKAGE_PIN L35 IOSTANDARD LVCMOS18} [get_ports -quiet gpio_led_3]

# Push buttons.
set_property -quiet -dict {PACKAGE_PIN G37 IOSTANDARD LVCMOS18} [get_ports -quiet gpio_pb_0]
set_property -quiet -dict {PACKAGE_PIN G36 IOSTANDARD LVCMOS18} [get_ports -quiet gpio_pb_1]
