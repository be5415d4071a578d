// Runs the threads of a launch one at a time: blocks in turn, the threads of a block as fibers, so
// that each reaches a barrier before any goes on. A fault ends the launch and is reported.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "shim.h"

namespace {

enum Trouble { NONE, LEFT_WHILE_OTHERS_WAIT, DIFFERENT_BARRIERS, NO_BARRIERS_HERE, FAULT };
enum Order { FORWARD, REVERSE, SHUFFLED };

struct Launch {
    void (*run)(void**);
    void** arguments;
    emulated::Module module;
    unsigned int grid[3], block[3];
    int fibers, order;
    uint64_t seed;
};

struct Report {
    int trouble, signal, line, other_line;
    uint64_t address;
    unsigned int block[3], thread[3];
};

// ---- an order of 0 .. n-1: forward, backward, or i -> a * i + b modulo n
struct Permutation {
    uint64_t n, a, b;
    uint64_t operator()(uint64_t i) const { return (uint64_t)(((unsigned __int128)a * i + b) % n); }
};

uint64_t divisor(uint64_t a, uint64_t b) { return b ? divisor(b, a % b) : a; }

Permutation permutation(uint64_t n, int order, uint64_t seed) {
    if (order == FORWARD || n < 2) return {n, 1, 0};
    if (order == REVERSE) return {n, n - 1, n - 1};
    uint64_t mixed = (seed + 1) * 0x9E3779B97F4A7C15ull;
    mixed ^= mixed >> 29;
    uint64_t a = mixed % n | 1;
    while (divisor(a, n) != 1) a = (a + 1) % n;
    return {n, a, (mixed >> 17) % n};
}

// ---- fibers: a stack each, and a switch between stacks
const size_t STACK = 256 << 10;
const size_t PAGE = sysconf(_SC_PAGESIZE);

#if defined(__x86_64__) && defined(__linux__)
struct Place { void* stack_pointer; };
extern "C" void emulated_switch(Place* from, Place* to);
asm(R"(
.text
.globl emulated_switch
.hidden emulated_switch
.type emulated_switch, @function
emulated_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq (%rsi), %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
void prepare(Place* place, char* stack, void (*start)()) {
    void** top = reinterpret_cast<void**>(stack + STACK);
    *--top = nullptr;  // a function begins 8 bytes below a multiple of 16
    *--top = nullptr;
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(start);
    place->stack_pointer = top - 6;
    memset(place->stack_pointer, 0, 6 * sizeof(void*));
}
#else
struct Place { ucontext_t context; };
void emulated_switch(Place* from, Place* to) { swapcontext(&from->context, &to->context); }
void prepare(Place* place, char* stack, void (*start)()) {
    getcontext(&place->context);
    place->context.uc_stack.ss_sp = stack;
    place->context.uc_stack.ss_size = STACK;
    place->context.uc_link = nullptr;
    makecontext(&place->context, start, 0);
}
#endif

struct Fiber {
    Place place;
    char* stack;
    int line;  // of the barrier where it waits
    bool done;
};

const unsigned int MOST_THREADS = 1024;
Fiber fibers[MOST_THREADS];
Place scheduler;
Fiber* running;
const Launch* launch;
Report* report;
volatile bool active;
sigjmp_buf escape;

void start_fiber() {
    launch->run(launch->arguments);
    running->done = true;
    emulated_switch(&running->place, &scheduler);
}

void wait_at(int line) {
    running->line = line;
    emulated_switch(&running->place, &scheduler);
}

[[noreturn]] void stop(int trouble) {
    report->trouble = trouble;
    siglongjmp(escape, 1);
}

void no_barrier(int line) {
    report->line = line;
    stop(NO_BARRIERS_HERE);
}

void enter(unsigned int index) {
    const unsigned int* size = launch->block;
    uint3 thread = {index % size[0], index / size[0] % size[1], index / size[0] / size[1]};
    launch->module.state->thread = thread;
}

void run_fibers(unsigned int count, uint64_t seed) {
    for (unsigned int i = 0; i < count; i++) {
        Fiber& fiber = fibers[i];
        if (!fiber.stack) {
            const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
            void* found = mmap(nullptr, STACK + PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
            if (found == MAP_FAILED) abort();
            mprotect(found, PAGE, PROT_NONE);
            fiber.stack = static_cast<char*>(found) + PAGE;
        }
        prepare(&fiber.place, fiber.stack, start_fiber);
        fiber.done = false;
        fiber.line = 0;
    }
    for (uint64_t round = 0;; round++) {
        const Permutation place = permutation(count, launch->order, seed + round);
        unsigned int finished = 0;
        const Fiber* waiting = nullptr;
        for (unsigned int i = 0; i < count; i++) {
            const unsigned int index = (unsigned int)place(i);
            running = &fibers[index];
            enter(index);
            emulated_switch(&scheduler, &running->place);
            if (running->done) {
                finished++;
                continue;
            }
            if (waiting && waiting->line != running->line) {
                report->line = waiting->line;
                report->other_line = running->line;
                stop(DIFFERENT_BARRIERS);
            }
            waiting = running;
        }
        if (finished == count) return;
        if (finished) {
            report->line = waiting->line;
            stop(LEFT_WHILE_OTHERS_WAIT);
        }
    }
}

void run_block(uint64_t index) {
    const emulated::Module& module = launch->module;
    const unsigned int* grid = launch->grid;
    module.state->block = {(unsigned int)(index % grid[0]), (unsigned int)(index / grid[0] % grid[1]),
                           (unsigned int)(index / grid[0] / grid[1])};
    memset(module.shared, 0xFF, module.shared_end - module.shared);  // nan, or -1
    const unsigned int count = launch->block[0] * launch->block[1] * launch->block[2];
    if (launch->fibers) return run_fibers(count, launch->seed + index);
    const Permutation place = permutation(count, launch->order, launch->seed + index);
    for (unsigned int i = 0; i < count; i++) {
        enter((unsigned int)place(i));
        launch->run(launch->arguments);
    }
}

// ---- faults
const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
const int COUNT = 5;
struct sigaction before[COUNT];

void note_fault(int number, siginfo_t* info, void*) {
    if (!active) {  // not ours: let whoever was here before have it
        for (int i = 0; i < COUNT; i++) sigaction(SIGNALS[i], &before[i], nullptr);
        return;
    }
    report->signal = number;
    report->address = reinterpret_cast<uint64_t>(info->si_addr);
    stop(FAULT);
}

void catch_faults() {
    static char own_stack[64 << 10];
    stack_t found;
    sigaltstack(nullptr, &found);
    if (found.ss_flags & SS_DISABLE) {
        stack_t own = {};
        own.ss_sp = own_stack;
        own.ss_size = sizeof(own_stack);
        sigaltstack(&own, nullptr);
    }
    struct sigaction action = {};
    action.sa_sigaction = note_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (int i = 0; i < COUNT; i++) sigaction(SIGNALS[i], &action, &before[i]);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int emulated_launch(const Launch* given,
                                                                      Report* answer) {
    launch = given;
    report = answer;
    emulated::State* state = given->module.state;
    state->block_dim = dim3(given->block[0], given->block[1], given->block[2]);
    state->grid_dim = dim3(given->grid[0], given->grid[1], given->grid[2]);
    state->barrier = given->fibers ? wait_at : no_barrier;
    catch_faults();
    if (!sigsetjmp(escape, 1)) {
        active = true;
        const uint64_t count = (uint64_t)given->grid[0] * given->grid[1] * given->grid[2];
        const Permutation place = permutation(count, given->order, given->seed);
        for (uint64_t i = 0; i < count; i++) run_block(place(i));
    }
    active = false;
    for (int i = 0; i < COUNT; i++) sigaction(SIGNALS[i], &before[i], nullptr);
    if (answer->trouble) {
        memcpy(answer->block, &state->block, sizeof(answer->block));
        memcpy(answer->thread, &state->thread, sizeof(answer->thread));
    }
    return answer->trouble;
}
