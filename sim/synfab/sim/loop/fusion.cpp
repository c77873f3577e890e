// SPDX-License-Identifier: Apache-2.0
// Plays the steps of a program to a Verilated fusion fabric: the states of faces, the layers of every cell's block, each
// not before its time, and the answers, of which each may have to wait.
//
// CELLS is a list X(0) X(1) ... of the cells. Beats and entries are one word of 64 bits, answers arrays of 32-bit words,
// low word first. Verilator writes a double underscore in a name as ___05F.
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "Vdecoder.h"
#include "verilated.h"

namespace {

template <class Port>
void put(Port& port, uint64_t value) {
    port = static_cast<std::remove_reference_t<Port>>(value);
}

constexpr int num_cells = [] {
    int count = 0;
#define X(cell) ++count;
    CELLS
#undef X
    return count;
}();

struct Steps {
    int64_t num_steps, num_layers, patience_cycles;
    // The beats of a step begin when the answer to the one before has been taken.
    bool one_by_one;
    // Of each step, cell and layer: the beat, and the cycle before which it does not come; with one_by_one counted from
    // the answer before.
    const uint64_t* beats;
    const int64_t* due;
    // Of all steps, and where those of each begin and end.
    const uint64_t* entries;
    const int64_t* entry_bounds;
    // Cycles for which each answer waits.
    const int64_t* stalls;
    uint32_t* answers;
    // When the last beat of a step passed; when its answer was offered first.
    int64_t* complete;
    int64_t* offered;
};

class Fabric {
   public:
    Fabric() {
        top.f___05Fvalid = 0;
        top.o___05Fready = 0;
#define X(cell) top.i___05F##cell##___05Fvalid = 0;
        CELLS
#undef X
        top.rst = 1;
        for (int k = 0; k < 2; ++k) {
            low();
            high();
        }
        top.rst = 0;
    }

    static constexpr int answer_bytes = sizeof(std::declval<Vdecoder&>().o___05Fpayload);
    static constexpr int answer_words = (answer_bytes + 3) / 4;

    // Returns the cycles until the last answer was taken, or -1 - n if step n got none: if for so many cycles nothing
    // passed, while neither a beat that step n still needs was yet to come nor an answer had to wait.
    int64_t play(const Steps& steps) {
        const int64_t block = num_cells * steps.num_layers;
        std::vector<int64_t> sent(num_cells, 0), left(steps.num_steps, block);
        int64_t entry = 0, answered = 0, origin = 0, silent = 0, held = 0;
        for (int64_t now = 0;; ++now) {
            const int64_t num_entries = steps.entry_bounds[steps.num_steps];
            const bool entering = entry < num_entries;
            top.f___05Fvalid = entering;
            if (entering) put(top.f___05Fpayload, steps.entries[entry]);
            top.o___05Fready = held == 0;
            bool moved = false, waited = false;
#define X(cell) waited |= lacks(steps, cell, sent[cell], answered, now - origin);                                      \
    put(top.i___05F##cell##___05Fvalid, offer(steps, cell, sent[cell], answered, now - origin));                       \
    if (top.i___05F##cell##___05Fvalid) put(top.i___05F##cell##___05Fpayload, beat(steps, cell, sent[cell]));
            CELLS
#undef X
            low();
            const bool valid = top.o___05Fvalid, taken = valid && held == 0, entered = entering && top.f___05Fready;
            if (valid && steps.offered[answered] < 0) {
                steps.offered[answered] = now;
                std::memcpy(steps.answers + answered * answer_words, &top.o___05Fpayload, answer_bytes);
            }
#define X(cell) if (top.i___05F##cell##___05Fvalid && top.i___05F##cell##___05Fready) {                                \
        const int64_t step = sent[cell]++ / steps.num_layers;                                                          \
        if (--left[step] == 0) steps.complete[step] = now;                                                             \
        moved = true;                                                                                                  \
    }
            CELLS
#undef X
            high();
            entry += entered;
            waited |= valid && held > 0;
            if (valid && held > 0) --held;
            if (taken) {
                if (steps.one_by_one) origin = now + 1;
                if (++answered == steps.num_steps) return now + 1;
                held = steps.stalls[answered];
            }
            silent = moved || entered || taken || waited ? 0 : silent + 1;
            if (silent > steps.patience_cycles) return -1 - answered;
        }
    }

   private:
    VerilatedContext context;
    Vdecoder top{&context};

    static int64_t place(const Steps& steps, int cell, int64_t sent) {
        const int64_t step = sent / steps.num_layers, layer = sent % steps.num_layers;
        return (step * num_cells + cell) * steps.num_layers + layer;
    }

    // Whether a beat of the step that is to be answered does not come yet.
    static bool lacks(const Steps& steps, int cell, int64_t sent, int64_t answered, int64_t now) {
        return sent / steps.num_layers <= answered && now < steps.due[place(steps, cell, sent)];
    }

    static bool offer(const Steps& steps, int cell, int64_t sent, int64_t answered, int64_t now) {
        if (sent == steps.num_steps * steps.num_layers) return false;
        if (steps.one_by_one && sent / steps.num_layers > answered) return false;
        return now >= steps.due[place(steps, cell, sent)];
    }

    static uint64_t beat(const Steps& steps, int cell, int64_t sent) { return steps.beats[place(steps, cell, sent)]; }

    void low() {
        top.clk = 0;
        top.eval();
    }

    void high() {
        top.clk = 1;
        top.eval();
    }
};

}  // namespace

extern "C" {

int answer_words() { return Fabric::answer_words; }

// Plays steps to a fabric that has just been reset. `answers` must hold zeros, `offered` -1. Returns as Fabric::play.
int64_t fusion_play(int64_t num_steps, int64_t num_layers, int64_t patience_cycles, bool one_by_one,
                    const uint64_t* beats, const int64_t* due, const uint64_t* entries, const int64_t* entry_bounds,
                    const int64_t* stalls, uint32_t* answers, int64_t* complete, int64_t* offered) {
    Fabric fabric;
    return fabric.play({num_steps, num_layers, patience_cycles, one_by_one, beats, due, entries, entry_bounds, stalls,
                        answers, complete, offered});
}

}
