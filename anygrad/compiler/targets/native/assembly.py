"""The machine code of entries: builtin functions of CPython, as LLVM's text.

One text serves all kernels: what differs between them, and every address, stands in a descriptor
that is the builtin's ``self``. In the text, ``%x = get TYPE %y NAME`` reads the field of that name,
and ``%x = at %y NAME`` is its address.
"""

from __future__ import annotations

import re

from anygrad.compiler.targets.native import arguments
from anygrad.compiler.targets.native.layouts import LAYOUT

__all__ = ["FIELDS", "GOLDEN", "KIND", "NAMES", "entry_text"]

NAMES = ("entry", "fill", "matches", "trial")
"""The functions that the text defines."""

FIELDS = (
    # objects of Python, and functions of its C interface
    *("ndarray", "list", "tuple", "none", "true", "false", "type_error", "tuple_items"),
    *("incref", "save", "restore", "as_double", "occurred", "is_error", "clear"),
    *("no_memory", "malloc", "free"),
    # the number of arguments, and addresses where lists begin and end
    *("count", "kinds", "refused", "refused_end"),
    *("numbers", "numbers_end", "arrays", "arrays_end"),
    # the kernel; its table as it begins, and the one that is used while `busy` is 0; bytes of each
    *("kernel", "start", "stop", "releases"),
    *("table", "bytes", "busy", "buffer", "table_kind"),
    # the hash table of a matcher that wants distinct arrays: its bytes, the last of its slots, and
    # how far a product is shifted to get one of them; it is 0 for a matcher that does not
    *("seen", "seen_bytes", "seen_last", "seen_shift"),
)
"""The descriptor, in words of 8 bytes; lists follow.

numbers: offsets in bytes of an argument and its place; arrays: the same and the address of a kind;
kinds: addresses of kinds; refused: types of objects that are no numbers; seen: slots of 4 bytes, 0
or the number of an element, from 1. It belongs to one builtin and needs no guard: while leaves are
compared nobody else's code runs.
"""

KIND = ("descr", "class", "twin", "flags", "based", "nd")
"""What an array has to be: words, and for each axis length, stride and a mask of the stride.

descr: the type of elements; class, twin: the classes that another object of an equal type may have;
flags: those needed; based: all ones if there must be no base, 0 if there may be one.
"""

GOLDEN = 0x9E3779B97F4A7C15
"""2**64 over the golden ratio: the upper bits of products with it spread addresses evenly."""

_OFFSETS = {
    **LAYOUT,
    **{f"d.{name}": 8 * k for k, name in enumerate(FIELDS)},
    **{f"kind.{name}": 8 * k for k, name in enumerate((*KIND, "axes"))},
    **{f"row.{name}": 8 * k for k, name in enumerate(("argument", "place", "kind"))},
}


def entry_text() -> str:
    """The module."""
    text = re.sub(
        r"%(\S+) = get (\S+) (%\S+) (\S+)",
        r"%\1.field = at \3 \4\n  %\1 = load \2, ptr %\1.field",
        arguments.TEXT + _TEXT,
    )
    return re.sub(r"= at (%\S+) (\S+)", _address, text)


def _address(found: re.Match[str]) -> str:
    base, field = found.groups()
    return f"= getelementptr i8, ptr {base}, i64 {_OFFSETS[field]}"


_TEXT = f"""
define internal fastcc void @copy(ptr %from, ptr %to, i64 %bytes) {{
start:
  br label %next
next:
  %k = phi i64 [0, %start], [%k.1, %word]
  %done = icmp eq i64 %k, %bytes
  br i1 %done, label %end, label %word
word:
  %from.at = getelementptr i8, ptr %from, i64 %k
  %x = load i64, ptr %from.at
  %to.at = getelementptr i8, ptr %to, i64 %k
  store i64 %x, ptr %to.at
  %k.1 = add i64 %k, 8
  br label %next
end:
  ret void
}}

; In steps of 64 bytes.
define internal fastcc void @zero(ptr %to, i64 %bytes) {{
start:
  br label %next
next:
  %k = phi i64 [0, %start], [%k.1, %word]
  %done = icmp eq i64 %k, %bytes
  br i1 %done, label %end, label %word
word:
  %to.at = getelementptr i8, ptr %to, i64 %k
  store <8 x i64> zeroinitializer, ptr %to.at, align 4
  %k.1 = add i64 %k, 64
  br label %next
end:
  ret void
}}

; A new reference to what is answered.
define internal fastcc ptr @answer(ptr %d, ptr %x) {{
  %incref = get ptr %d d.incref
  call void %incref(ptr %x)
  ret ptr %x
}}

define ptr @entry(ptr %self, ptr %args, i64 %n) {{
  %d = get ptr %self array.data
  %false = get ptr %d d.false
  %count = get i64 %d d.count
  %enough = icmp eq i64 %n, %count
  br i1 %enough, label %claim, label %miscounted
miscounted:
  %no = call fastcc ptr @answer(ptr %d, ptr %false)
  ret ptr %no
claim:
  %busy = get i64 %d d.busy
  %idle = icmp eq i64 %busy, 0
  br i1 %idle, label %own, label %borrow
own:
  store i64 1, ptr %busy.field
  %buffer = get ptr %d d.buffer
  br label %fill
borrow:
  %malloc = get ptr %d d.malloc
  %bytes = get i64 %d d.bytes
  %memory = call ptr %malloc(i64 %bytes)
  %lacking = icmp eq ptr %memory, null
  br i1 %lacking, label %exhausted, label %copy
exhausted:
  %no_memory = get ptr %d d.no_memory
  %null = call ptr %no_memory()
  ret ptr null
copy:
  %first = get ptr %d d.table
  call fastcc void @copy(ptr %first, ptr %memory, i64 %bytes)
  br label %fill
fill:
  %table = phi ptr [%buffer, %own], [%memory, %copy]
  %taken = call fastcc i32 @take(ptr %d, ptr %args, ptr %table)
  switch i32 %taken, label %leave [i32 0, label %go i32 1, label %refused]
refused:
  br label %leave
go:
  %kernel = get ptr %d d.kernel
  %start = get i64 %d d.start
  %stop = get i64 %d d.stop
  %releases = get i64 %d d.releases
  %long = icmp ne i64 %releases, 0
  br i1 %long, label %aside, label %held
aside:
  %save = get ptr %d d.save
  %restore = get ptr %d d.restore
  %thread = call ptr %save()
  %late = call i64 %kernel(ptr %table, i64 %start, i64 %stop)
  call void %restore(ptr %thread)
  br label %computed
held:
  %soon = call i64 %kernel(ptr %table, i64 %start, i64 %stop)
  br label %computed
computed:
  %result = phi i64 [%late, %aside], [%soon, %held]
  %well = icmp eq i64 %result, 0
  %none = get ptr %d d.none
  %true = get ptr %d d.true
  %told = select i1 %well, ptr %none, ptr %true
  br label %leave
leave:
  %answer = phi ptr [null, %fill], [%false, %refused], [%told, %computed]
  br i1 %idle, label %give, label %drop
give:
  store i64 0, ptr %busy.field
  br label %end
drop:
  %free = get ptr %d d.free
  call void %free(ptr %table)
  br label %end
end:
  %failed = icmp eq ptr %answer, null
  br i1 %failed, label %error, label %known
error:
  ret ptr null
known:
  %whole = call fastcc ptr @answer(ptr %d, ptr %answer)
  ret ptr %whole
}}

define ptr @fill(ptr %self, ptr %args, i64 %n) {{
  %d = get ptr %self array.data
  %false = get ptr %d d.false
  %count = get i64 %d d.count
  %more = add i64 %count, 1
  %enough = icmp eq i64 %n, %more
  br i1 %enough, label %look, label %refused
look:
  %x = load ptr, ptr %args
  %kind = get ptr %d d.table_kind
  %ndarray = get ptr %d d.ndarray
  %fits = call fastcc i1 @fits(ptr %x, ptr %kind, ptr %ndarray)
  br i1 %fits, label %fill, label %refused
fill:
  %table = get ptr %x array.data
  %first = get ptr %d d.table
  %bytes = get i64 %d d.bytes
  call fastcc void @copy(ptr %first, ptr %table, i64 %bytes)
  %rest = getelementptr ptr, ptr %args, i64 1
  %taken = call fastcc i32 @take(ptr %d, ptr %rest, ptr %table)
  switch i32 %taken, label %error [i32 0, label %filled i32 1, label %refused]
filled:
  %true = get ptr %d d.true
  %yes = call fastcc ptr @answer(ptr %d, ptr %true)
  ret ptr %yes
refused:
  %no = call fastcc ptr @answer(ptr %d, ptr %false)
  ret ptr %no
error:
  ret ptr null
}}

define ptr @matches(ptr %self, ptr %x) {{
  %d = get ptr %self array.data
  %false = get ptr %d d.false
  %type = get ptr %x object.type
  %list = get ptr %d d.list
  %tuple = get ptr %d d.tuple
  %is.list = icmp eq ptr %type, %list
  br i1 %is.list, label %listed, label %unlisted
listed:
  %items = get ptr %x list.items
  br label %counted
unlisted:
  %is.tuple = icmp eq ptr %type, %tuple
  br i1 %is.tuple, label %tupled, label %no
tupled:
  %offset = get i64 %d d.tuple_items
  %inside = getelementptr i8, ptr %x, i64 %offset
  br label %counted
counted:
  %first = phi ptr [%items, %listed], [%inside, %tupled]
  %length = get i64 %x sized.length
  %count = get i64 %d d.count
  %as.many = icmp eq i64 %length, %count
  br i1 %as.many, label %begin, label %no
begin:
  %kinds = get ptr %d d.kinds
  %ndarray = get ptr %d d.ndarray
  %seen = get ptr %d d.seen
  %last = get i64 %d d.seen_last
  %shift = get i64 %d d.seen_shift
  %distinct = icmp ne ptr %seen, null
  br i1 %distinct, label %clear, label %next
clear:
  %bytes = get i64 %d d.seen_bytes
  call fastcc void @zero(ptr %seen, i64 %bytes)
  br label %next
next:
  %k = phi i64 [0, %begin], [0, %clear], [%k.1, %fitting], [%k.1, %put]
  %done = icmp eq i64 %k, %count
  br i1 %done, label %yes, label %item
item:
  %item.at = getelementptr ptr, ptr %first, i64 %k
  %y = load ptr, ptr %item.at
  ; objects far apart in memory are fetched in time; that needs no trust in what they are
  %k.ahead = add i64 %k, 16
  %further = icmp slt i64 %k.ahead, %count
  %k.soon = select i1 %further, i64 %k.ahead, i64 %k
  %soon.at = getelementptr ptr, ptr %first, i64 %k.soon
  %soon = load ptr, ptr %soon.at
  call void @llvm.prefetch.p0(ptr %soon, i32 0, i32 3, i32 1)
  %soon.rest = getelementptr i8, ptr %soon, i64 {LAYOUT["array.flags"]}
  call void @llvm.prefetch.p0(ptr %soon.rest, i32 0, i32 3, i32 1)
  %kind.at = getelementptr ptr, ptr %kinds, i64 %k
  %kind = load ptr, ptr %kind.at
  %fits = call fastcc i1 @fits(ptr %y, ptr %kind, ptr %ndarray)
  %k.1 = add i64 %k, 1
  br i1 %fits, label %fitting, label %no
fitting:
  br i1 %distinct, label %search, label %next
search:
  %address = ptrtoint ptr %y to i64
  %mixed = mul i64 %address, {GOLDEN}
  %home = lshr i64 %mixed, %shift
  br label %probe
probe:
  %slot = phi i64 [%home, %search], [%slot.1, %collision]
  %slot.at = getelementptr i32, ptr %seen, i64 %slot
  %number = load i32, ptr %slot.at
  %vacant = icmp eq i32 %number, 0
  br i1 %vacant, label %put, label %taken
taken:
  %number.wide = zext i32 %number to i64
  %before = sub i64 %number.wide, 1
  %earlier.at = getelementptr ptr, ptr %first, i64 %before
  %earlier = load ptr, ptr %earlier.at
  %twice = icmp eq ptr %earlier, %y
  br i1 %twice, label %no, label %collision
collision:
  %slot.after = add i64 %slot, 1
  %slot.1 = and i64 %slot.after, %last
  br label %probe
put:
  %number.own = trunc i64 %k.1 to i32
  store i32 %number.own, ptr %slot.at
  br label %next
yes:
  %true = get ptr %d d.true
  %told = call fastcc ptr @answer(ptr %d, ptr %true)
  ret ptr %told
no:
  %denied = call fastcc ptr @answer(ptr %d, ptr %false)
  ret ptr %denied
}}

declare void @llvm.prefetch.p0(ptr, i32, i32, i32)

; A kernel that does nothing: 1 if it starts anywhere but at 0.
define i64 @trial(ptr %table, i64 %start, i64 %stop) {{
  %again = icmp ne i64 %start, 0
  %result = zext i1 %again to i64
  ret i64 %result
}}
"""
