// SPDX-License-Identifier: Apache-2.0
// Plays shots to decoders, LANES of them side by side, each with shots of its own: sends the beats of a block and takes
// its answer, and counts the cycles between.
//
// Vdecoder.h holds one Verilated decoder, with the design's ports as they are, or 64 as a graph of gates, in which every
// bit of a port is a word of 64 bits, a bit for each. Beats and answers of a shot are arrays of 32-bit words, low word first. An entry of the weight port is one word
// of 64 bits; designs with that port define WEIGHT_PORT. Verilator writes a double underscore in a name as ___05F.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include "Vdecoder.h"

namespace {

using Mask = uint64_t;

constexpr Mask all_lanes = LANES == 64 ? ~Mask{0} : 1;

// Calls `visit` with each lane of a mask.
template <class Visit>
void each(Mask lanes, Visit visit) {
    for (; lanes; lanes &= lanes - 1) visit(__builtin_ctzll(lanes));
}

template <class Port>
Mask mask(const Port& port) {
    return static_cast<Mask>(port);
}

// What a payload port holds, of all lanes. Ports are references in the Verilated class.
template <class Port>
class Payload {
    static constexpr int bytes = sizeof(std::remove_reference_t<Port>);

   public:
    // Of one lane, in words of 32 bits.
    static constexpr int words = LANES == 64 ? (bytes / 8 + 31) / 32 : (bytes + 3) / 4;

    void clear(Mask lanes) {
        if constexpr (LANES == 64) {
            for (auto& bit : bits) bit &= ~lanes;
        }
    }

    // The lane must have been cleared.
    void set(int lane, const uint32_t* from) {
        if constexpr (LANES == 64) {
            for (int word = 0; word < words; ++word) {
                for (uint32_t rest = from[word]; rest; rest &= rest - 1) {
                    bits[32 * word + __builtin_ctz(rest)] |= Mask{1} << lane;
                }
            }
        } else {
            std::memcpy(bits.data(), from, 4 * words);
        }
    }

    void get(int lane, uint32_t* to) const {
        if constexpr (LANES == 64) {
            for (int bit = 0; bit < bytes / 8; ++bit) to[bit / 32] |= (bits[bit] >> lane & 1) << (bit % 32);
        } else {
            std::memcpy(to, bits.data(), 4 * words);
        }
    }

    template <class To>
    void write(To& port) const {
        std::memcpy(&port, bits.data(), bytes);
    }

    template <class From>
    void read(const From& port) {
        std::memcpy(bits.data(), &port, bytes);
    }

   private:
    std::array<uint64_t, (bytes + 7) / 8> bits{};
};

struct Shots {
    int64_t num_shots, num_beats, gap_cycles, patience_cycles;
    // The next block begins when the answer to the one before has been taken; or at once.
    bool one_by_one;
    // Of all beats; of all entries, and where those of each shot begin and end.
    const uint32_t* beats;
    // Entries of the weight port that every decoder gets before its first shot.
    const uint64_t* first_entries;
    int64_t num_first_entries;
    const uint64_t* entries;
    const int64_t* entry_bounds;
    uint32_t* answers;
    int64_t* cycles;
};

// A lane plays the shots from `shot` up to `end`.
struct Lane {
    int64_t shot, end, answered, entry, first_entry = 0, beat = 0, wake = 0, moved = 0;
    bool waits = false;
};

class Decoders {
   public:
    using Input = Payload<decltype((std::declval<Vdecoder&>().i___05Fpayload))>;
    using Output = Payload<decltype((std::declval<Vdecoder&>().o___05Fpayload))>;

    Decoders() {
        put(top.i___05Fvalid, 0);
        put(top.o___05Fready, all_lanes);
#ifdef WEIGHT_PORT
        put(top.w___05Fvalid, 0);
#endif
        top.rst = 1;
        for (int k = 0; k < 2; ++k) {
            low();
            high();
        }
        top.rst = 0;
    }

    // Returns the cycles of all lanes together, from the first beat to the last answer, or -1 - n if shot n got none.
    int64_t play(const Shots& shots) {
        std::array<Lane, LANES> lanes;
        // Those with shots to come or to be answered; what they have on offer.
        Mask open = 0, beats = 0, entries = 0;
        for (int64_t k = 0; k < LANES; ++k) {
            const int64_t shot = shots.num_shots * k / LANES, end = shots.num_shots * (k + 1) / LANES;
            lanes[k] = {shot, end, shot, shots.entry_bounds[shot]};
            open |= Mask{shot < end} << k;
        }
        int64_t total = 0;
        for (int64_t now = 0; open; ++now) {
            const Mask free = open & ~(beats | entries);
            input.clear(free);
            each(free, [&](int k) { offer(shots, lanes[k], k, now, beats, entries); });
            put(top.i___05Fvalid, beats);
            input.write(top.i___05Fpayload);
#ifdef WEIGHT_PORT
            put(top.w___05Fvalid, entries);
            weights.write(top.w___05Fpayload);
#endif
            low();
            const Mask taken = beats & mask(top.i___05Fready);
            Mask loaded = 0;
#ifdef WEIGHT_PORT
            loaded = entries & mask(top.w___05Fready);
#endif
            const Mask answered = open & mask(top.o___05Fvalid);
            if (answered) output.read(top.o___05Fpayload);
            high();

            each(loaded, [&](int k) {
                auto& lane = lanes[k];
                ++(lane.first_entry < shots.num_first_entries ? lane.first_entry : lane.entry);
            });
            each(taken, [&](int k) {
                auto& lane = lanes[k];
                ++lane.beat;
                lane.wake = now + 1 + shots.gap_cycles;
                if (lane.beat == shots.num_beats) {
                    // When the last beat passed, until the answer comes.
                    shots.cycles[lane.shot++] = now;
                    lane.beat = 0;
                    lane.wake = now + 1;
                    lane.waits = shots.one_by_one;
                }
            });
            each(answered, [&](int k) {
                auto& lane = lanes[k];
                output.get(k, shots.answers + lane.answered * Output::words);
                shots.cycles[lane.answered] = now - shots.cycles[lane.answered];
                lane.waits = false;
                if (++lane.answered == lane.end) {
                    open &= ~(Mask{1} << k);
                    total += now + 1;
                }
            });
            each(loaded | taken | answered, [&](int k) { lanes[k].moved = now; });
            beats &= ~taken;
            entries &= ~loaded;
            if (now % 1024 == 0) {
                int64_t silent = -1;
                each(open, [&](int k) {
                    const auto& lane = lanes[k];
                    if (now - std::max(lane.moved, lane.wake) > shots.patience_cycles) silent = lane.answered;
                });
                if (silent >= 0) return -1 - silent;
            }
        }
        return total;
    }

   private:
    Vdecoder top;
    Input input;
    Output output;
#ifdef WEIGHT_PORT
    Payload<decltype((std::declval<Vdecoder&>().w___05Fpayload))> weights;
#endif

    template <class Port>
    static void put(Port& port, Mask lanes) {
        port = static_cast<std::remove_reference_t<Port>>(lanes);
    }

    void low() {
        top.clk = 0;
        top.eval();
    }

    void high() {
        top.clk = 1;
        top.eval();
    }

    void offer(const Shots& shots, Lane& lane, int k, int64_t now, Mask& beats, Mask& entries) {
        if (lane.waits || lane.shot == lane.end || now < lane.wake) return;
#ifdef WEIGHT_PORT
        const bool first = lane.first_entry < shots.num_first_entries;
        if (first || lane.entry < shots.entry_bounds[lane.shot + 1]) {
            const uint64_t entry = first ? shots.first_entries[lane.first_entry] : shots.entries[lane.entry];
            const std::array<uint32_t, 2> words{static_cast<uint32_t>(entry), static_cast<uint32_t>(entry >> 32)};
            weights.clear(Mask{1} << k);
            weights.set(k, words.data());
            entries |= Mask{1} << k;
            return;
        }
#endif
        input.set(k, shots.beats + (lane.shot * shots.num_beats + lane.beat) * Input::words);
        beats |= Mask{1} << k;
    }
};

}  // namespace

extern "C" {

int beat_words() { return Decoders::Input::words; }

int answer_words() { return Decoders::Output::words; }

// Plays shots to decoders that have just been reset. `answers` must hold zeros. `entry_bounds` has one number more than
// there are shots. Returns as Decoders::play.
int64_t decoders_play(int64_t num_shots, int64_t num_beats, int64_t gap_cycles, int64_t patience_cycles, bool one_by_one,
                      int64_t num_first_entries, const uint32_t* beats, const uint64_t* first_entries,
                      const uint64_t* entries, const int64_t* entry_bounds, uint32_t* answers, int64_t* cycles) {
    const auto decoders = std::make_unique<Decoders>();
    return decoders->play({num_shots, num_beats, gap_cycles, patience_cycles, one_by_one, beats, first_entries,
                           num_first_entries, entries, entry_bounds, answers, cycles});
}
}
