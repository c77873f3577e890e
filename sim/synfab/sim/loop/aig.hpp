// SPDX-License-Identifier: Apache-2.0
// Evaluates an and-inverter graph for 64 decoders at a time: every signal is a word, a bit for each.
//
// The graph is a file in the binary format AIGER (Biere, Heljanko, Wieringa: AIGER 1.9 and beyond, 2011): it says what
// its latches hold next, which signals leave, and, for each gate in topological order, of which two signals it is the
// conjunction. A literal is twice the number of a signal, plus one if it is inverted; signal 0 is the constant zero, the
// inputs come next, then the latches, then the gates. All latches hold zero at first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

class Aig {
   public:
    using Word = uint64_t;

    explicit Aig(std::string_view file) : rest(file) {
        if (token() != "aig") throw std::runtime_error("a graph must be a binary AIGER file");
        number();
        const auto num_inputs = number(), num_latches = number(), num_outputs = number(), num_gates = number();
        first_latch = 1 + num_inputs;
        first_gate = first_latch + num_latches;
        for (size_t k = 0; k < num_latches; ++k) next.push_back(number());
        for (size_t k = 0; k < num_outputs; ++k) outputs.push_back(number());
        read(num_gates);
        arrange();
        words.resize(first_gate + gates.size());
        held.resize(num_latches);
    }

    void input(size_t number, Word word) { words[1 + number] = word; }

    Word output(size_t number) const { return of(outputs[number]); }

    // Lets what the inputs and latches hold pass through the gates.
    void settle() {
        const Word* const word = words.data();
        Word* to = words.data() + first_gate;
        auto gate = gates.cbegin();
        const auto run = [&](uint32_t length, auto conjunction) {
            for (const auto end = gate + length; gate != end; ++gate) *to++ = conjunction(word[gate->one], word[gate->other]);
        };
        for (const auto& [inverted, length] : runs) {
            if (inverted == 0) run(length, [](Word one, Word other) { return one & other; });
            if (inverted == 1) run(length, [](Word one, Word other) { return one & ~other; });
            if (inverted == 2) run(length, [](Word one, Word other) { return ~(one | other); });
        }
    }

    // A clock edge, after settle.
    void clock() {
        for (size_t k = 0; k < next.size(); ++k) held[k] = of(next[k]);
        std::copy(held.begin(), held.end(), words.begin() + first_latch);
    }

   private:
    using Literal = uint32_t;

    // Literals while the graph is read; then signals, the second one inverted in a run of one inversion.
    struct Gate {
        Literal one, other;

        uint32_t inverted() const { return (one & 1) + (other & 1); }
    };

    // Gates that do not depend on each other, all with as many inverted inputs.
    struct Run {
        uint32_t inverted, length;
    };

    std::string_view rest;
    size_t first_latch, first_gate;
    std::vector<Literal> next, outputs;
    std::vector<Gate> gates;
    std::vector<Run> runs;
    std::vector<Word> words, held;

    Word of(Literal literal) const { return words[literal >> 1] ^ -static_cast<Word>(literal & 1); }

    // Keeps one of the gates that are the same, and none that are constant or one of their inputs.
    void read(size_t num_gates) {
        std::vector<Literal> as(first_gate + num_gates);
        for (size_t k = 0; k < first_gate; ++k) as[k] = 2 * k;
        std::unordered_map<uint64_t, Literal> known;
        known.reserve(num_gates);
        for (size_t k = first_gate; k < as.size(); ++k) {
            const Literal greater = 2 * k - difference(), less = greater - difference();
            const auto [one, other] = std::minmax({found(as, greater), found(as, less)});
            if (one == 0 || one == (other ^ 1)) {
                as[k] = 0;
            } else if (one == 1 || one == other) {
                as[k] = other;
            } else {
                const Literal fresh = 2 * (first_gate + gates.size());
                const auto [entry, is_new] = known.try_emplace(static_cast<uint64_t>(one) << 32 | other, fresh);
                if (is_new) gates.push_back({one, other});
                as[k] = entry->second;
            }
        }
        rename(as);
    }

    // Sorts the gates by their depth and by how many of their inputs are inverted: many alike in a row are evaluated
    // several times as fast as gates in the order of the file.
    void arrange() {
        std::vector<std::pair<uint32_t, uint32_t>> kinds;
        std::vector<uint32_t> depth(first_gate);
        for (const auto& gate : gates) {
            depth.push_back(1 + std::max(depth[gate.one >> 1], depth[gate.other >> 1]));
            kinds.emplace_back(depth.back(), gate.inverted());
        }
        std::vector<uint32_t> order(gates.size());
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](auto k, auto l) { return kinds[k] < kinds[l]; });
        std::vector<Literal> as(first_gate + gates.size());
        for (size_t k = 0; k < first_gate; ++k) as[k] = 2 * k;
        for (size_t k = 0; k < order.size(); ++k) as[first_gate + order[k]] = 2 * (first_gate + k);
        std::vector<Gate> arranged;
        for (size_t k = 0; k < order.size(); ++k) {
            auto [one, other] = gates[order[k]];
            if (one & 1) std::swap(one, other);
            arranged.push_back({as[one >> 1] >> 1, as[other >> 1] >> 1});
            if (k == 0 || kinds[order[k]] != kinds[order[k - 1]]) runs.push_back({gates[order[k]].inverted(), 0});
            ++runs.back().length;
        }
        gates = std::move(arranged);
        rename(as);
    }

    static Literal found(const std::vector<Literal>& as, Literal literal) { return as[literal >> 1] ^ (literal & 1); }

    void rename(const std::vector<Literal>& as) {
        for (auto* literals : {&next, &outputs}) {
            for (auto& literal : *literals) literal = found(as, literal);
        }
    }

    std::string_view token() {
        const auto end = rest.find_first_of(" \n");
        const auto before = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        return before;
    }

    size_t number() {
        size_t value = 0;
        for (const char digit : token()) value = 10 * value + (digit - '0');
        return value;
    }

    // Seven bits a byte, low ones first; all bytes but the last have their high bit set.
    Literal difference() {
        Literal value = 0;
        for (int shift = 0;; shift += 7) {
            const auto byte = static_cast<uint8_t>(rest.front());
            rest.remove_prefix(1);
            value |= (byte & 0x7fu) << shift;
            if (!(byte & 0x80)) return value;
        }
    }
};
