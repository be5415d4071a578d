// Memory for NumPy's arrays that ends at a forbidden page and is forbidden itself once it is freed.
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <iterator>
#include <map>
#include <mutex>

namespace {

const size_t PAGE = sysconf(_SC_PAGESIZE), ALIGN = 16;
const unsigned char CANARY = 0xFF;  // nan as a float

struct Piece { char* start; size_t size; bool freed; };
std::map<uint64_t, Piece> pieces;  // by the address behind the last byte and its padding
std::mutex lock;
int spoiled;  // pieces whose padding was written to

size_t rounded(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

char* allocate(size_t size, unsigned char fill) {
    const size_t padded = rounded(size ? size : 1, ALIGN), inner = rounded(padded, PAGE);
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* found = mmap(nullptr, inner + 2 * PAGE, PROT_NONE, flags, -1, 0);
    if (found == MAP_FAILED) return nullptr;
    char* first = static_cast<char*>(found) + PAGE;
    if (mprotect(first, inner, PROT_READ | PROT_WRITE)) return nullptr;
    char* start = first + inner - padded;
    if (fill) memset(start, fill, size);
    memset(start + size, CANARY, padded - size);
    std::lock_guard<std::mutex> held(lock);
    pieces[reinterpret_cast<uint64_t>(first + inner)] = {start, size, false};
    return start;
}

std::map<uint64_t, Piece>::iterator piece_of(const void* start) {
    return pieces.upper_bound(reinterpret_cast<uint64_t>(start));
}

void look_at_padding(const Piece& piece, char* end) {
    bool clean = true;
    for (char* p = piece.start + piece.size; p < end; p++) {
        clean = clean && (unsigned char)*p == CANARY;
        *p = (char)CANARY;
    }
    spoiled += !clean;
}

void release(void*, void* start, size_t) {
    if (!start) return;
    std::lock_guard<std::mutex> held(lock);
    auto found = piece_of(start);
    Piece& piece = found->second;
    char* end = reinterpret_cast<char*>(found->first);
    look_at_padding(piece, end);
    piece.freed = true;
    const size_t inner = rounded(end - piece.start, PAGE);
    madvise(end - inner, inner, MADV_DONTNEED);
    mprotect(end - inner, inner, PROT_NONE);
}

void* take(void*, size_t size) { return allocate(size, CANARY); }
void* take_zeros(void*, size_t count, size_t size) { return allocate(count * size, 0); }
void* take_again(void*, void* start, size_t size) {
    char* made = allocate(size, CANARY);
    if (start && made) {
        const size_t before = piece_of(start)->second.size;
        memcpy(made, start, before < size ? before : size);
        release(nullptr, start, 0);
    }
    return made;
}

struct Handler {  // NumPy's PyDataMem_Handler
    char name[127];
    uint8_t version;
    void* context;
    void* (*malloc)(void*, size_t);
    void* (*calloc)(void*, size_t, size_t);
    void* (*realloc)(void*, void*, size_t);
    void (*free)(void*, void*, size_t);
} handler = {"between forbidden pages", 1, nullptr, take, take_zeros, take_again, release};

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))
EXPORT void* emulated_handler() { return &handler; }

// How many pieces had their padding written to since the last call, freed or not.
EXPORT int emulated_spoiled() {
    std::lock_guard<std::mutex> held(lock);
    for (auto& [end, piece] : pieces)
        if (!piece.freed) look_at_padding(piece, reinterpret_cast<char*>(end));
    const int found = spoiled;
    spoiled = 0;
    return found;
}

// The piece nearest to an address: 0 none, 1 live, 2 freed; offset from its start, and its size.
EXPORT int emulated_piece(uint64_t address, int64_t* offset, uint64_t* size) {
    std::lock_guard<std::mutex> held(lock);
    if (pieces.empty()) return 0;
    auto above = pieces.upper_bound(address), below = above;
    auto chosen = above;
    if (above == pieces.end()) chosen = std::prev(above);
    else if (address < reinterpret_cast<uint64_t>(above->second.start) && above != pieces.begin()) {
        below = std::prev(above);
        if (address - below->first < reinterpret_cast<uint64_t>(above->second.start) - address)
            chosen = below;
    }
    const Piece& piece = chosen->second;
    *offset = (int64_t)(address - reinterpret_cast<uint64_t>(piece.start));
    *size = piece.size;
    return piece.freed ? 2 : 1;
}
