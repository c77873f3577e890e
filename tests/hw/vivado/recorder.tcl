# SPDX-License-Identifier: Apache-2.0
# Vivado's commands as recorders: each checks its options (UG835), the files it is given and its place in the flow,
# notes the call, and writes the files that the real command writes. A command that is not here is an error.
#
#   tclsh recorder.tcl BUILD.tcl CALLS.tsv [FLOW]
#
# CALLS.tsv gets a line a call: the command and its arguments, tab separated.
# Environment: SETUP_SLACKS, HOLD_SLACKS, lists of endpoint slacks in ns; UNTIMED, those of a design without a clock.

set recorder_folder [file dirname [file normalize [info script]]]
set recorder_calls [open [lindex $argv 1] w]
set recorder_state empty
set recorder_part ""
# module -> dict of port -> direction
set recorder_modules {}
set recorder_xdc {}

foreach recorder_script {constraints timing block_design} {
    source [file join $recorder_folder $recorder_script.tcl]
}

proc record {command arguments} {
    puts $::recorder_calls [join [linsert $arguments 0 $command] \t]
    flush $::recorder_calls
}

# Split arguments into a dict of options and, under "", the positional ones. Unknown options are refused.
proc options {command flags valued arguments} {
    record $command $arguments
    set found [dict create "" {}]
    while {[llength $arguments]} {
        set arguments [lassign $arguments word]
        if {$word in $flags} {
            dict set found $word 1
        } elseif {$word in $valued} {
            if {![llength $arguments]} { error "$command: $word wants a value" }
            set arguments [lassign $arguments value]
            dict set found $word $value
        } elseif {[string match {-[a-z]*} $word]} {
            error "$command: unknown option $word"
        } else {
            dict lappend found "" $word
        }
    }
    return $found
}

proc one_file {command found suffix} {
    set files [dict get $found ""]
    if {[llength $files] != 1 || [file extension [lindex $files 0]] ne $suffix} {
        error "$command wants one $suffix file, not '$files'"
    }
    return [lindex $files 0]
}

proc existing_file {command found suffixes} {
    set files [dict get $found ""]
    if {[llength $files] != 1} { error "$command wants one file, not '$files'" }
    set path [lindex $files 0]
    if {![file isfile $path]} { error "$command: no such file $path" }
    if {[file extension $path] ni $suffixes} { error "$command: not a file of its kind: $path" }
    return $path
}

proc write_file {path text} {
    set file [open $path w]
    puts -nonewline $file $text
    close $file
}

proc read_text {path} {
    set file [open $path r]
    set text [read $file]
    close $file
    return $text
}

# Move on in the flow; the command is refused in any other state.
proc advance {command from to} {
    if {$::recorder_state ni $from} { error "$command must follow [join $from { or }], not $::recorder_state" }
    set ::recorder_state $to
}

proc modules_of {text} {
    set modules {}
    foreach {whole name body} [regexp -all -inline {module\s+(\w+)(.*?)endmodule} $text] {
        set ports {}
        foreach {match direction port} \
                [regexp -all -inline {\m(input|output)\M(?:\s+(?:wire|reg))?(?:\s*\[[^\]]*\])?\s*(\w+)} $body] {
            dict set ports $port [expr {$direction eq "input" ? "IN" : "OUT"}]
        }
        dict set modules $name $ports
    }
    return $modules
}

proc create_project {args} {
    set found [options create_project {-in_memory} {-part} $args]
    if {![dict exists $found -in_memory]} { error "a non-project flow leaves no project on disk" }
    advance create_project empty sources
    set ::recorder_part [dict get $found -part]
}

proc current_project {args} {
    options current_project {} {} $args
    return project
}

proc read_verilog {args} {
    set found [options read_verilog {-sv} {} $args]
    set path [existing_file read_verilog $found {.v .sv}]
    advance read_verilog sources sources
    set ::recorder_modules [dict merge $::recorder_modules [modules_of [read_text $path]]]
}

proc read_xdc {args} {
    set found [options read_xdc {} {-mode} $args]
    if {[dict exists $found -mode] && [dict get $found -mode] ni {default out_of_context}} {
        error "read_xdc: unknown mode"
    }
    lappend ::recorder_xdc [existing_file read_xdc $found {.xdc}]
    advance read_xdc sources sources
}

proc update_compile_order {args} {
    set found [options update_compile_order {} {-fileset} $args]
    if {[dict get $found -fileset] ne "sources_1"} { error "update_compile_order: no such fileset" }
}

proc synth_design {args} {
    set found [options synth_design {} {-top -part -mode} $args]
    set top [dict get $found -top]
    if {[dict get $found -part] ne $::recorder_part} { error "synth_design: another part than the project's" }
    if {![dict exists $::recorder_modules $top]} { error "synth_design: module $top is in none of the sources" }
    if {[dict exists $found -mode] && [dict get $found -mode] ne "out_of_context"} { error "synth_design: mode" }
    advance synth_design sources synthesised
    foreach path $::recorder_xdc { constrain $path [dict get $::recorder_modules $top] }
}

proc opt_design {args} { options opt_design {} {} $args; advance opt_design synthesised optimised }
proc place_design {args} { options place_design {} {} $args; advance place_design optimised placed }
proc phys_opt_design {args} { options phys_opt_design {} {} $args; advance phys_opt_design placed placed }
proc route_design {args} { options route_design {} {} $args; advance route_design placed routed }

proc write_checkpoint {args} {
    set found [options write_checkpoint {-force} {} $args]
    advance write_checkpoint {synthesised placed routed} $::recorder_state
    write_file [one_file write_checkpoint $found .dcp] "checkpoint $::recorder_state\n"
}

proc write_image {command suffix versal arguments} {
    set found [options $command {-force} {} $arguments]
    if {[string match xcvm* $::recorder_part] != $versal} { error "$command is not for $::recorder_part" }
    advance $command routed written
    write_file [one_file $command $found $suffix] "image\n"
}
proc write_device_image {args} { write_image write_device_image .pdi 1 $args }
proc write_bitstream {args} { write_image write_bitstream .bit 0 $args }

proc report_utilization {args} {
    set found [options report_utilization {-hierarchical} {-file} $args]
    advance report_utilization {synthesised placed routed} $::recorder_state
    set family [expr {[string match xcvm* $::recorder_part] ? "versal" : "ultrascale_plus"}]
    write_file [dict get $found -file] [read_text [file join $::recorder_folder utilization_$family.rpt]]
}

proc report_power {args} {
    set found [options report_power {} {-file} $args]
    advance report_power routed routed
    write_file [dict get $found -file] "power\n"
}

proc version {args} {
    options version {-short} {} $args
    return 2024.2
}

set recorder_build [lindex $argv 0]
set argv [lrange $argv 2 end]
source $recorder_build
