// SPDX-License-Identifier: Apache-2.0
// Plays shots to a Verilated decoder: sends the beats of a block, waits for the answer, counts the cycles between.
//
// Beats and answers are arrays of 32-bit words, low word first; every beat and every answer takes the words that its
// port needs. An entry of the weight port is one word of 64 bits; designs with that port define WEIGHT_PORT.
// Verilator writes a double underscore in a name as ___05F.
#include <cstdint>
#include <type_traits>
#include <utility>

#include "Vdecoder.h"
#include "verilated.h"

namespace {

template <class Port>
void set(Port& port, const uint32_t* words) {
    if constexpr (sizeof(Port) == 8) {
        port = words[0] | static_cast<uint64_t>(words[1]) << 32;
    } else {
        port = static_cast<Port>(words[0]);
    }
}

template <std::size_t N>
void set(VlWide<N>& port, const uint32_t* words) {
    for (std::size_t k = 0; k < N; ++k) port[k] = words[k];
}

template <class Port>
void get(const Port& port, uint32_t* words) {
    words[0] = static_cast<uint32_t>(port);
    if constexpr (sizeof(Port) == 8) words[1] = static_cast<uint32_t>(port >> 32);
}

template <std::size_t N>
void get(const VlWide<N>& port, uint32_t* words) {
    for (std::size_t k = 0; k < N; ++k) words[k] = port[k];
}

// Ports are references in the Verilated class; what they refer to holds 32-bit words, or less than one.
template <class Port>
constexpr int words_of = (sizeof(std::remove_reference_t<Port>) + 3) / 4;

struct Decoder {
    VerilatedContext context;
    Vdecoder top{&context};

    Decoder() {
        top.i___05Fvalid = 0;
        top.o___05Fready = 1;
#ifdef WEIGHT_PORT
        top.w___05Fvalid = 0;
#endif
        top.rst = 1;
        tick();
        tick();
        top.rst = 0;
    }

    void tick() {
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
    }

    // Offers what a port's payload holds; false if it is not taken within `patience` cycles.
    template <class Valid, class Ready>
    bool offer(Valid& valid, const Ready& ready, int64_t patience) {
        valid = 1;
        top.clk = 0;
        for (; patience > 0; --patience) {
            top.eval();
            const bool taken = ready;
            top.clk = 1;
            top.eval();
            top.clk = 0;
            if (taken) {
                valid = 0;
                return true;
            }
        }
        return false;
    }

    bool send(const uint32_t* words, int64_t patience) {
        set(top.i___05Fpayload, words);
        return offer(top.i___05Fvalid, top.i___05Fready, patience);
    }

    bool load([[maybe_unused]] uint64_t entry, [[maybe_unused]] int64_t patience) {
#ifdef WEIGHT_PORT
        top.w___05Fpayload = entry;
        return offer(top.w___05Fvalid, top.w___05Fready, patience);
#else
        return false;
#endif
    }

    // Waits for the answer and takes it; returns the cycles since the last beat, or -1.
    int64_t receive(uint32_t* words, int64_t patience) {
        for (int64_t cycles = 1; cycles <= patience; ++cycles) {
            tick();
            if (top.o___05Fvalid) {
                get(top.o___05Fpayload, words);
                tick();
                return cycles + 1;
            }
        }
        return -1;
    }
};

}  // namespace

extern "C" {

int beat_words() { return words_of<decltype((std::declval<Vdecoder&>().i___05Fpayload))>; }

int answer_words() { return words_of<decltype((std::declval<Vdecoder&>().o___05Fpayload))>; }

void* decoder_new() { return new Decoder; }

void decoder_delete(void* decoder) { delete static_cast<Decoder*>(decoder); }

// `num_entries` holds, for each shot, how many of `entries` come before its beats, and may be null. After every beat
// but the last of a shot come `gap` cycles without one.
// Returns the number of shots that were answered; the first one that was not ends the call.
int64_t decoder_play(void* handle, int64_t shots, int64_t beats, int64_t gap, const uint32_t* input,
                     const int64_t* num_entries, const uint64_t* entries, uint32_t* answers, int64_t* cycles,
                     int64_t patience) {
    auto& decoder = *static_cast<Decoder*>(handle);
    for (int64_t shot = 0; shot < shots; ++shot) {
        for (int64_t entry = 0; num_entries && entry < num_entries[shot]; ++entry, ++entries) {
            if (!decoder.load(*entries, patience)) return shot;
        }
        for (int64_t beat = 0; beat < beats; ++beat, input += beat_words()) {
            if (!decoder.send(input, patience)) return shot;
            for (int64_t cycle = 0; beat + 1 < beats && cycle < gap; ++cycle) decoder.tick();
        }
        cycles[shot] = decoder.receive(answers, patience);
        if (cycles[shot] < 0) return shot;
        answers += answer_words();
    }
    return shots;
}

// Sends all beats back to back and takes every answer at once; returns the cycles from the first beat to the last
// answer, or -1 if none passes within `patience` cycles.
int64_t decoder_stream(void* handle, int64_t shots, int64_t beats, const uint32_t* input, uint32_t* answers,
                       int64_t patience) {
    auto& top = static_cast<Decoder*>(handle)->top;
    int64_t left = shots * beats;
    int64_t cycles = 0;
    for (int64_t idle = 0; shots > 0; ++cycles) {
        top.i___05Fvalid = left > 0;
        if (left > 0) set(top.i___05Fpayload, input);
        top.clk = 0;
        top.eval();
        const bool taken = left > 0 && top.i___05Fready;
        const bool answered = top.o___05Fvalid;
        if (taken) {
            --left;
            input += beat_words();
        }
        if (answered) {
            get(top.o___05Fpayload, answers);
            answers += answer_words();
            --shots;
        }
        idle = taken || answered ? 0 : idle + 1;
        if (idle > patience) return -1;
        top.clk = 1;
        top.eval();
    }
    return cycles;
}
}
