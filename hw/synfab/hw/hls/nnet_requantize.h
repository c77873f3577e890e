// SPDX-License-Identifier: Apache-2.0
#ifndef NNET_REQUANTIZE_H_
#define NNET_REQUANTIZE_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

// From sums to activations: an arithmetic shift of each channel's own, which rounds down, and the range of the
// activation. A scale for each channel costs no multiplier.
struct requantize_config {
    static const unsigned n_sites = 1;
    static const unsigned n_chan = 1;
    static const unsigned bits = 1;  // of an activation, unsigned
    // static const unsigned shift[n_chan]
};

template <class sum_T, class value_T, typename CONFIG_T> value_T requantized(const sum_T sum, const unsigned channel) {
    #pragma HLS INLINE
    const sum_T shifted = sum >> CONFIG_T::shift[channel];
    const ap_uint<CONFIG_T::bits> most = -1;
    return shifted < 0 ? value_T(0) : shifted > most ? value_T(most) : value_T(shifted);
}

template <class data_T, class res_T, typename CONFIG_T>
void requantize(hls::stream<data_T> &data, hls::stream<res_T> &res) {
Sites:
    for (unsigned site = 0; site < CONFIG_T::n_sites; site++) {
        #pragma HLS PIPELINE II=1
        const data_T sums = data.read();
        res_T values;
        PRAGMA_DATA_PACK(values)
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
            #pragma HLS UNROLL
            values[c] =
                requantized<typename data_T::value_type, typename res_T::value_type, CONFIG_T>(sums[c], c);
        }
        res.write(values);
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void requantize(data_T data[CONFIG_T::n_sites * CONFIG_T::n_chan], res_T res[CONFIG_T::n_sites * CONFIG_T::n_chan]) {
    #pragma HLS PIPELINE
Sites:
    for (unsigned site = 0; site < CONFIG_T::n_sites; site++) {
        #pragma HLS UNROLL
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
            #pragma HLS UNROLL
            const unsigned place = site * CONFIG_T::n_chan + c;
            res[place] = requantized<data_T, res_T, CONFIG_T>(data[place], c);
        }
    }
}

} // namespace nnet

#endif
