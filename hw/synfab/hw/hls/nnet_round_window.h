// SPDX-License-Identifier: Apache-2.0
#ifndef NNET_ROUND_WINDOW_H_
#define NNET_ROUND_WINDOW_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

// The rounds that a three-dimensional convolution sees, side by side as channels: a two-dimensional convolution
// of them is the three-dimensional one. One call a round.
struct round_window_config {
    static const unsigned depth = 3;    // rounds in the window, odd
    static const unsigned n_sites = 1;  // sites of a plane, row by row
    static const unsigned n_chan = 1;   // channels of a round
};

struct round_delay_config {
    static const unsigned delay = 1;  // rounds
};

// Which rounds of the window are of the volume of its middle one. Rounds of other volumes, and those before the
// first call, count as empty. `continues[t]` says of the t-th oldest round kept that the round after it is of the
// same volume; zero, as a reset leaves it, is the end of a volume.
template <typename CONFIG_T>
void rounds_inside(ap_uint<1> continues[CONFIG_T::depth - 1], const ap_uint<1> last, bool inside[CONFIG_T::depth]) {
    #pragma HLS INLINE
    const unsigned middle = CONFIG_T::depth / 2;
    inside[middle] = true;
After:
    for (unsigned t = middle; t < CONFIG_T::depth - 1; t++) {
        #pragma HLS UNROLL
        inside[t + 1] = inside[t] && continues[t];
    }
Before:
    for (unsigned t = middle; t > 0; t--) {
        #pragma HLS UNROLL
        inside[t - 1] = inside[t] && continues[t - 1];
    }
Age:
    for (unsigned t = 0; t + 2 < CONFIG_T::depth; t++) {
        #pragma HLS UNROLL
        continues[t] = continues[t + 1];
    }
    continues[CONFIG_T::depth - 2] = !last;
}

// Streams: a site at a time, all of its channels.
template <class data_T, class last_T, class res_T, typename CONFIG_T>
void round_window(hls::stream<data_T> &data, hls::stream<last_T> &last, hls::stream<res_T> &res) {
    static data_T rounds[CONFIG_T::depth - 1][CONFIG_T::n_sites];
    #pragma HLS AGGREGATE variable=rounds
    #pragma HLS ARRAY_PARTITION variable=rounds complete dim=1
    #pragma HLS DEPENDENCE variable=rounds inter false
    static ap_uint<1> continues[CONFIG_T::depth - 1];
    #pragma HLS ARRAY_PARTITION variable=continues complete
    #pragma HLS RESET variable=continues
    bool inside[CONFIG_T::depth];
    #pragma HLS ARRAY_PARTITION variable=inside complete
    rounds_inside<CONFIG_T>(continues, last.read()[0], inside);

Sites:
    for (unsigned site = 0; site < CONFIG_T::n_sites; site++) {
        #pragma HLS PIPELINE II=1
        data_T newest = data.read();
        res_T window;
        PRAGMA_DATA_PACK(window)
    Rounds:
        for (unsigned t = 0; t < CONFIG_T::depth; t++) {
            #pragma HLS UNROLL
            const data_T round = t + 1 < CONFIG_T::depth ? rounds[t][site] : newest;
        Channels:
            for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
                #pragma HLS UNROLL
                window[t * CONFIG_T::n_chan + c] = inside[t] ? round[c] : typename data_T::value_type(0);
            }
            if (t > 0)
                rounds[t - 1][site] = round;
        }
        res.write(window);
    }
}

// Whole planes in parallel.
template <class data_T, class last_T, class res_T, typename CONFIG_T>
void round_window(data_T data[CONFIG_T::n_sites * CONFIG_T::n_chan], last_T last[1],
                  res_T res[CONFIG_T::n_sites * CONFIG_T::depth * CONFIG_T::n_chan]) {
    #pragma HLS PIPELINE
    static data_T rounds[CONFIG_T::depth - 1][CONFIG_T::n_sites * CONFIG_T::n_chan];
    #pragma HLS ARRAY_PARTITION variable=rounds complete dim=0
    static ap_uint<1> continues[CONFIG_T::depth - 1];
    #pragma HLS ARRAY_PARTITION variable=continues complete
    #pragma HLS RESET variable=continues
    bool inside[CONFIG_T::depth];
    #pragma HLS ARRAY_PARTITION variable=inside complete
    rounds_inside<CONFIG_T>(continues, last[0], inside);

Sites:
    for (unsigned site = 0; site < CONFIG_T::n_sites; site++) {
        #pragma HLS UNROLL
    Rounds:
        for (unsigned t = 0; t < CONFIG_T::depth; t++) {
            #pragma HLS UNROLL
        Channels:
            for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
                #pragma HLS UNROLL
                const unsigned place = site * CONFIG_T::n_chan + c;
                const data_T value = t + 1 < CONFIG_T::depth ? rounds[t][place] : data[place];
                res[(site * CONFIG_T::depth + t) * CONFIG_T::n_chan + c] = inside[t] ? value : data_T(0);
                if (t > 0)
                    rounds[t - 1][place] = value;
            }
        }
    }
}

// The flag of the round that the windows of a layer stand for.
template <typename CONFIG_T> ap_uint<1> delayed_last(const ap_uint<1> last) {
    #pragma HLS INLINE
    static ap_uint<1> continues[CONFIG_T::delay];
    #pragma HLS ARRAY_PARTITION variable=continues complete
    #pragma HLS RESET variable=continues
    const ap_uint<1> delayed = !continues[0];
Age:
    for (unsigned t = 0; t + 1 < CONFIG_T::delay; t++) {
        #pragma HLS UNROLL
        continues[t] = continues[t + 1];
    }
    continues[CONFIG_T::delay - 1] = !last;
    return delayed;
}

template <class last_T, class res_T, typename CONFIG_T>
void round_delay(hls::stream<last_T> &last, hls::stream<res_T> &res) {
    res_T delayed;
    PRAGMA_DATA_PACK(delayed)
    delayed[0] = delayed_last<CONFIG_T>(last.read()[0]);
    res.write(delayed);
}

template <class last_T, class res_T, typename CONFIG_T> void round_delay(last_T last[1], res_T res[1]) {
    #pragma HLS PIPELINE
    res[0] = delayed_last<CONFIG_T>(last[0]);
}

} // namespace nnet

#endif
