# SPDX-License-Identifier: Apache-2.0
# Builds the design without a project file, from this folder alone:
#
#   vivado -mode batch -source build.tcl                  the decoder, out of context (the default)
#   vivado -mode batch -source build.tcl -tclargs full    the board's image
#
# Reports go to reports/FLOW/STAGE/, checkpoints and the image to output/FLOW/. What to build is in settings.tcl.
# Exit codes: 0 done, 2 something to repair (one sentence on stderr), 1 an error of Vivado's own.

set root [file dirname [file normalize [info script]]]

proc refuse {sentence} {
    puts stderr "synfab: $sentence"
    exit 2
}

set flow [expr {[llength $argv] == 0 ? "ooc" : [lindex $argv 0]}]
if {[llength $argv] > 1 || $flow ni {ooc full}} {
    refuse "the flow must be one of ooc, full, not '$argv'; write -tclargs ooc or -tclargs full, or neither"
}
foreach script {settings reporting system} {
    if {![file exists [file join $root $script.tcl]]} {
        refuse "$script.tcl must lie beside build.tcl and does not; write the project again with 'synfab build'"
    }
    source [file join $root $script.tcl]
}

# Everything that can be known to be missing is asked for before hours of synthesis.
set block_design [expr {$flow eq "full" && $family eq "versal"}]
if {$flow eq "ooc"} {
    set build_top $top
    set constraints [list constraints/timing.xdc]
} elseif {$full_top eq ""} {
    refuse "a full build needs an AXI4-Stream wrapper of $top and the project has none;\
        write the project with one, or build out of context"
} elseif {$pins eq ""} {
    refuse "a full build of $part needs a pins file and the project has none, for the part has no fixed board;\
        write the project with your XDC as 'pins', or build out of context"
} elseif {$block_design} {
    # Its clock comes from the processing system, which constrains it.
    set build_top system_wrapper
    set constraints [list $pins]
} else {
    set build_top $full_top
    set constraints [list constraints/timing_full.xdc $pins]
}
foreach file [concat $sources $constraints [expr {$flow eq "ooc" ? "constraints/ooc.xdc" : ""}]] {
    if {![file exists [file join $root $file]]} {
        refuse "$file must lie beside build.tcl and does not; write the project again with 'synfab build'"
    }
}

set output [file join $root output $flow]
file mkdir $output
# Figures of an earlier build must not stand beside those of this one.
file delete -force [file join $root reports $flow]

# Synthesis.
create_project -in_memory -part $part
foreach file $sources { read_verilog [file join $root $file] }
if {$block_design} {
    create_system $full_top $clock_mhz $weight_stream $weight_status [file join $output system]
}
foreach file $constraints { read_xdc [file join $root $file] }
if {$flow eq "ooc"} {
    read_xdc -mode out_of_context [file join $root constraints/ooc.xdc]
    synth_design -top $build_top -part $part -mode out_of_context
} else {
    synth_design -top $build_top -part $part
}
write_checkpoint -force [file join $output synth.dcp]
report_stage vivado-synth

# Implementation.
opt_design
place_design
phys_opt_design
write_checkpoint -force [file join $output placed.dcp]
report_stage vivado-placed

route_design
write_checkpoint -force [file join $output routed.dcp]
set slack_ns [report_stage vivado-routed]
report_power -file [file join $root reports $flow vivado-routed power.rpt]

# The image.
if {$flow eq "full"} {
    if {$slack_ns < 0} {
        refuse "an image must meet its timing and this one misses it by [expr {-$slack_ns}] ns;\
            lower clock_mhz and write the project again (the reports are in reports/full/vivado-routed)"
    }
    if {$family eq "versal"} {
        write_device_image -force [file join $output $name.pdi]
    } else {
        write_bitstream -force [file join $output $name.bit]
    }
}
puts "synfab: the $flow build of $name is done; its reports are in [file join $root reports $flow]"
