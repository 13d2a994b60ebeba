// The two functions of LZ4 that Verilator's FST writer calls, so that a waveform needs no library on the machine.
//
// The block format (lz4.org, "LZ4 Block Format Description"): sequences of a token, literals, a two-byte offset back and
// a match of at least four bytes. The last five bytes are literals, and no match begins in the last twelve. Matches are
// found greedily by a table of where each four bytes were seen last.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

inline int LZ4_compress_default(const char* source, char* target, int size, int capacity) {
    if (capacity < LZ4_compressBound(size)) return 0;
    constexpr int LEAST = 4, LAST_LITERALS = 5, NO_MATCH_BEHIND = 12, FARTHEST = 65535, BITS = 14;
    std::vector<int32_t> seen(size_t(1) << BITS, -1);
    char* out = target;
    auto length = [&](int left) {  // what a nibble of 15 leaves over
        for (; left >= 255; left -= 255) *out++ = char(255);
        *out++ = char(left);
    };
    auto sequence = [&](int from, int literals, int offset, int match) {  // no match: the last sequence
        int extra = match - LEAST;
        int low = match == 0 ? 0 : extra < 15 ? extra : 15;
        *out++ = char((literals < 15 ? literals : 15) << 4 | low);
        if (literals >= 15) length(literals - 15);
        if (literals > 0) std::memcpy(out, source + from, size_t(literals));
        out += literals;
        if (match == 0) return;
        *out++ = char(offset & 255);
        *out++ = char(offset >> 8);
        if (extra >= 15) length(extra - 15);
    };
    int at = 0, from = 0;
    while (at + NO_MATCH_BEHIND < size) {
        uint32_t here;
        std::memcpy(&here, source + at, 4);
        int32_t& place = seen[(here * 2654435761u) >> (32 - BITS)];
        int earlier = place;
        place = at;
        if (earlier < 0 || at - earlier > FARTHEST || std::memcmp(source + earlier, source + at, LEAST) != 0) {
            at++;
            continue;
        }
        int match = LEAST;
        while (at + match < size - LAST_LITERALS && source[earlier + match] == source[at + match]) match++;
        sequence(from, at - from, at - earlier, match);
        at += match;
        from = at;
    }
    sequence(from, size - from, 0, 0);
    return int(out - target);
}
