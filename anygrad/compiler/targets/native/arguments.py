"""The machine code that looks at arguments, and puts them into a table; see `assembly`."""

__all__ = ["TEXT"]

TEXT = """
; Whether an object is an array of a kind.
define internal fastcc i1 @fits(ptr %x, ptr %kind, ptr %ndarray) {
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
  %native = icmp ne i8 %order, 62  ; ">" in ASCII
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
  %first = at %kind kind.axes
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
}

; Put arguments into a table: 0 if done, 1 if one is refused, 2 if an error is set. Numbers go
; first: their conversion may run anybody's code, and nothing may come between looking at an array
; and using it.
define internal fastcc i32 @take(ptr %d, ptr %args, ptr %table) {
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
}
"""
