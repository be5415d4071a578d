"""The machine code of entries: builtin functions of CPython, as LLVM's text.

One text serves all kernels: what differs between them, and every address, stands in a descriptor
that is the builtin's ``self``. In the text, ``%x = get TYPE %y NAME`` reads the field of that name.
"""

from __future__ import annotations

import re

from anygrad.compiler.targets.native.layouts import LAYOUT

__all__ = ["FIELDS", "KIND", "NAMES", "entry_text"]

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
)
"""The descriptor, in words of 8 bytes; lists follow.

numbers: offsets in bytes of an argument and its place; arrays: the same and the address of a kind;
kinds: addresses of kinds; refused: types of objects that are no numbers.
"""

KIND = ("descr", "class", "twin", "flags", "based", "nd")
"""What an array has to be: words, and for each axis length, stride and a mask of the stride.

descr: the type of elements; class, twin: the classes that another object of an equal type may have;
flags: those needed; based: all ones if there must be no base, 0 if there may be one.
"""

_OFFSETS = {
    **LAYOUT,
    **{f"d.{name}": 8 * k for k, name in enumerate(FIELDS)},
    **{f"kind.{name}": 8 * k for k, name in enumerate((*KIND, "axes"))},
    **{f"row.{name}": 8 * k for k, name in enumerate(("argument", "place", "kind"))},
}


def entry_text() -> str:
    """The module."""
    return re.sub(r"%(\S+) = get (\S+) (%\S+) (\S+)", _read, _TEXT)


def _read(found: re.Match[str]) -> str:
    name, kind, base, field = found.groups()
    address = f"%{name}.field = getelementptr i8, ptr {base}, i64 {_OFFSETS[field]}"
    return f"{address}\n  %{name} = load {kind}, ptr %{name}.field"


_TEXT = f"""
define internal fastcc i1 @fits(ptr %x, ptr %kind, ptr %ndarray) {{
  %type = get ptr %x object.type
  %exact = icmp eq ptr %type, %ndarray
  br i1 %exact, label %array, label %no
array:
  %descr = get ptr %x array.descr
  %wanted = get ptr %kind kind.descr
  %same = icmp eq ptr %descr, %wanted
  br i1 %same, label %alike, label %other
other:
  %class = get ptr %descr object.type
  %one = get ptr %kind kind.class
  %two = get ptr %kind kind.twin
  %is.one = icmp eq ptr %class, %one
  %is.two = icmp eq ptr %class, %two
  %known = or i1 %is.one, %is.two
  %order = get i8 %descr descr.byteorder
  %native = icmp ne i8 %order, {ord(">")}
  %equal = and i1 %known, %native
  br i1 %equal, label %alike, label %no
alike:
  %flags = get i32 %x array.flags
  %needed = get i32 %kind kind.flags
  %held = and i32 %flags, %needed
  %flagged = icmp eq i32 %held, %needed
  %base = get i64 %x array.base
  %mask = get i64 %kind kind.based
  %masked = and i64 %base, %mask
  %free = icmp eq i64 %masked, 0
  %nd = get i32 %x array.nd
  %axes = get i32 %kind kind.nd
  %as.many = icmp eq i32 %nd, %axes
  %both = and i1 %flagged, %free
  %all = and i1 %both, %as.many
  br i1 %all, label %shape, label %no
shape:
  %dimensions = get ptr %x array.dimensions
  %strides = get ptr %x array.strides
  %first = getelementptr i8, ptr %kind, i64 {_OFFSETS["kind.axes"]}
  %count = zext i32 %nd to i64
  br label %next
next:
  %k = phi i64 [0, %shape], [%k.1, %axis]
  %axis.at = phi ptr [%first, %shape], [%axis.1, %axis]
  %done = icmp eq i64 %k, %count
  br i1 %done, label %yes, label %axis
axis:
  %length.at = getelementptr i64, ptr %dimensions, i64 %k
  %length = load i64, ptr %length.at
  %stride.at = getelementptr i64, ptr %strides, i64 %k
  %stride = load i64, ptr %stride.at
  %length.wanted = load i64, ptr %axis.at
  %stride.wanted.at = getelementptr i64, ptr %axis.at, i64 1
  %stride.wanted = load i64, ptr %stride.wanted.at
  %matters.at = getelementptr i64, ptr %axis.at, i64 2
  %matters = load i64, ptr %matters.at
  %a = xor i64 %length, %length.wanted
  %b = xor i64 %stride, %stride.wanted
  %c = and i64 %b, %matters
  %d = or i64 %a, %c
  %right = icmp eq i64 %d, 0
  %k.1 = add i64 %k, 1
  %axis.1 = getelementptr i64, ptr %axis.at, i64 3
  br i1 %right, label %next, label %no
yes:
  ret i1 true
no:
  ret i1 false
}}

; Put arguments into a table: 0 if done, 1 if one is refused, 2 if an error is set. Numbers go
; first: their conversion may run anybody's code, and nothing may come between looking at an array
; and using it.
define internal fastcc i32 @take(ptr %d, ptr %args, ptr %table) {{
start:
  %numbers = get ptr %d d.numbers
  %numbers.end = get ptr %d d.numbers_end
  br label %numbers.next
numbers.next:
  %row = phi ptr [%numbers, %start], [%row.1, %put]
  %numbers.done = icmp eq ptr %row, %numbers.end
  br i1 %numbers.done, label %arrays, label %number
number:
  %argument = get i64 %row row.argument
  %object.at = getelementptr i8, ptr %args, i64 %argument
  %object = load ptr, ptr %object.at
  %type = get ptr %object object.type
  %types = get ptr %d d.refused
  %types.end = get ptr %d d.refused_end
  br label %types.next
types.next:
  %bad.at = phi ptr [%types, %number], [%bad.1, %another]
  %good = icmp eq ptr %bad.at, %types.end
  br i1 %good, label %convert, label %another
another:
  %bad = load ptr, ptr %bad.at
  %bad.1 = getelementptr ptr, ptr %bad.at, i64 1
  %is.bad = icmp eq ptr %type, %bad
  br i1 %is.bad, label %refused, label %types.next
convert:
  %as_double = get ptr %d d.as_double
  %value = call double %as_double(ptr %object)
  %suspect = fcmp oeq double %value, -1.0
  br i1 %suspect, label %suspected, label %put
suspected:
  %occurred = get ptr %d d.occurred
  %error = call ptr %occurred()
  %fine = icmp eq ptr %error, null
  br i1 %fine, label %put, label %failed
put:
  %place = get i64 %row row.place
  %place.at = getelementptr i8, ptr %table, i64 %place
  store double %value, ptr %place.at
  %row.1 = getelementptr i64, ptr %row, i64 2
  br label %numbers.next
arrays:
  %ndarray = get ptr %d d.ndarray
  %list = get ptr %d d.arrays
  %list.end = get ptr %d d.arrays_end
  br label %arrays.next
arrays.next:
  %line = phi ptr [%list, %arrays], [%line.1, %fitting]
  %arrays.done = icmp eq ptr %line, %list.end
  br i1 %arrays.done, label %done, label %array
array:
  %which = get i64 %line row.argument
  %x.at = getelementptr i8, ptr %args, i64 %which
  %x = load ptr, ptr %x.at
  %kind = get ptr %line row.kind
  %fits = call fastcc i1 @fits(ptr %x, ptr %kind, ptr %ndarray)
  br i1 %fits, label %fitting, label %refused
fitting:
  %data = get ptr %x array.data
  %where = get i64 %line row.place
  %where.at = getelementptr i8, ptr %table, i64 %where
  store ptr %data, ptr %where.at
  %line.1 = getelementptr i64, ptr %line, i64 3
  br label %arrays.next
done:
  ret i32 0
failed:
  %type_error = get ptr %d d.type_error
  %is_error = get ptr %d d.is_error
  %matching = call i32 %is_error(ptr %type_error)
  %no.number = icmp ne i32 %matching, 0
  br i1 %no.number, label %cleared, label %raised
cleared:
  %clear = get ptr %d d.clear
  call void %clear()
  br label %refused
raised:
  ret i32 2
refused:
  ret i32 1
}}

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
  br label %next
next:
  %k = phi i64 [0, %begin], [%k.1, %item]
  %done = icmp eq i64 %k, %count
  br i1 %done, label %yes, label %item
item:
  %item.at = getelementptr ptr, ptr %first, i64 %k
  %y = load ptr, ptr %item.at
  %kind.at = getelementptr ptr, ptr %kinds, i64 %k
  %kind = load ptr, ptr %kind.at
  %fits = call fastcc i1 @fits(ptr %y, ptr %kind, ptr %ndarray)
  %k.1 = add i64 %k, 1
  br i1 %fits, label %next, label %no
yes:
  %true = get ptr %d d.true
  %told = call fastcc ptr @answer(ptr %d, ptr %true)
  ret ptr %told
no:
  %denied = call fastcc ptr @answer(ptr %d, ptr %false)
  ret ptr %denied
}}

; A kernel that does nothing: 1 if it starts anywhere but at 0.
define i64 @trial(ptr %table, i64 %start, i64 %stop) {{
  %again = icmp ne i64 %start, 0
  %result = zext i1 %again to i64
  ret i64 %result
}}
"""
