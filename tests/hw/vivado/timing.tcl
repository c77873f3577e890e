# SPDX-License-Identifier: Apache-2.0
# The timing engine: the worst path of each endpoint, with the slacks of the environment. Without a clock it has
# the paths of UNTIMED: none, or one of infinite slack.

proc slacks {delay_type} {
    if {![dict size $::recorder_clocks]} { return $::env(UNTIMED) }
    return [lsort -real $::env([dict get {max SETUP_SLACKS min HOLD_SLACKS} $delay_type])]
}

proc get_timing_paths {args} {
    set found [options get_timing_paths {-quiet} {-delay_type -max_paths -slack_lesser_than} $args]
    advance get_timing_paths {synthesised placed routed} $::recorder_state
    set paths {}
    foreach slack [slacks [dict get $found -delay_type]] {
        if {![dict exists $found -slack_lesser_than] || $slack < [dict get $found -slack_lesser_than]} {
            lappend paths "path[llength $paths]:$slack"
        }
    }
    set limit [expr {[dict exists $found -max_paths] ? [dict get $found -max_paths] : 1}]
    return [lrange $paths 0 $limit-1]
}

proc get_clocks {args} {
    set found [options get_clocks {} {} $args]
    set name [lindex [dict get $found ""] 0]
    if {![dict exists $::recorder_clocks $name]} { error "get_clocks: no clock $name" }
    return "clock:$name"
}

proc get_property {args} {
    set found [options get_property {} {} $args]
    lassign [dict get $found ""] key object
    if {[regexp {^clock:(.*)$} $object -> clock]} {
        return [dict get [dict create PERIOD [dict get $::recorder_clocks $clock]] $key]
    }
    if {![regexp {^path\d+:(.*)$} $object -> slack]} { error "get_property: no object '$object'" }
    # An escaped identifier, as Vivado names pins of one: backslash, blank and all.
    return [dict get [dict create \
        SLACK $slack LOGIC_LEVELS 7 ENDPOINT_CLOCK [lindex [dict keys $::recorder_clocks] end] \
        STARTPOINT_PIN "element_3/\\grow\[0\] _reg/C" ENDPOINT_PIN element_9/root_reg/D] $key]
}

# WNS, TNS, failing and all endpoints, as the design timing summary prints them.
proc summary {delay_type} {
    set all [slacks $delay_type]
    if {![llength $all]} { return {NA NA NA NA} }
    set failing [lmap slack $all { if {$slack >= 0} continue; set slack }]
    set total [expr [join [linsert $failing 0 0.0] +]]
    return [list [format %.3f [lindex $all 0]] [format %.3f $total] [llength $failing] [llength $all]]
}

proc report_timing_summary {args} {
    set found [options report_timing_summary {} {-file} $args]
    advance report_timing_summary {synthesised placed routed} $::recorder_state
    set columns {WNS(ns) TNS(ns) {TNS Failing Endpoints} {TNS Total Endpoints}
        WHS(ns) THS(ns) {THS Failing Endpoints} {THS Total Endpoints}}
    set values [concat [summary max] [summary min]]
    set rule [string repeat - 96]
    set lines [list "| Tool Version : Vivado v.2024.2" "" $rule "| Design Timing Summary" \
        "| [string repeat - 21]" $rule ""]
    set names ""; set dashes ""; set figures ""
    foreach column $columns value $values {
        append names [format "%22s  " $column]
        append dashes [format "%22s  " [string repeat - [string length $column]]]
        append figures [format "%22s  " $value]
    }
    lappend lines $names $dashes $figures "" "" $rule "| Clock Summary" "| -------------" $rule ""
    lappend lines "Clock   Waveform(ns)         Period(ns)      Frequency(MHz)"
    lappend lines "-----   ------------         ----------      --------------"
    dict for {clock period} $::recorder_clocks {
        lappend lines [format "%-7s {0.000 %.3f}        %.3f          %.3f" \
            $clock [expr {$period / 2.0}] $period [expr {1000.0 / $period}]]
    }
    lappend lines "" "" $rule "| Intra Clock Table" "| -----------------" $rule "" ""
    write_file [dict get $found -file] [join $lines \n]
}
