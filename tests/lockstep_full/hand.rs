//! Protocols written for one construct or a few that meet.

pub(crate) const TEXTS: &[(&str, &str)] = &[
    (
        "conditions and sets",
        "protocol P(role A, role B) {
           var sum: int{this <= 6} = 0; var last<A>: int = 0; var seen<>: int = 0;
           rec X {
             choice at A {
               A -> B: add(n: int) where n > last && n != 3 set sum = sum + n set last = n set seen = seen + 1;
               continue X;
             } or {
               A -> B: swap(n: int{n <= sum}) set sum = n set last@A = sum where seen > 0;
               continue X;
             } or { A -> B: done(total: int) where total == sum; }
           }
         }",
    ),
    (
        "witnesses",
        "extern predicate checked(int);
         def fair(cost: int, left: int) = 0 < cost && cost <= left;
         protocol P(role A, role B, role C) {
           var left<A, B>: int = 4;
           rec X {
             choice at A {
               A -> B: pay(cost: int) requires fair(cost, left) requires checked(cost + left) set left = left - cost;
               continue X;
             } or {
               A -> B, C: all(cost: int) requires fair(cost, 2);
               B: note(x: int) requires fair(x, left) unique by (x);
               continue X;
             } or { A -> B: bye(x: int) requires checked(4 / x); }
           }
         }",
    ),
    (
        "loop with values",
        "protocol P(role A, role B, role C) {
           A -> B: open(d: int{d >= 0});
           rec X [left<A, B>: int{left >= 0} = d] {
             choice at A {
               A -> B: spend(n: int{n > 0}); B -> C: tell(m: int) where m == n; continue X[left - n];
             } or { A -> B: close(); B -> C: rest(m: int) where m == left; }
           }
         }",
    ),
    (
        "family",
        "protocol P(role A, role B) {
           var total: int = 0;
           during {
             A -> B: bye();
           } interleave jobs each k: int {
             var n: int = 0;
             A -> B: start(k: int, x: int) where x >= k set n = x;
             rec L {
               choice at B { B -> A: more(k: int, y: int) where y == n + 1 set n = y set total = total + 1; continue L; }
               or { B -> A: end(k: int, y: int) where y == total; }
             }
           }
           A -> B: after();
         }",
    ),
    (
        "late keys",
        "protocol P(role A, role B) {
           during { A -> B: bye(); } interleave jobs each k: int {
             A -> B: submit(x: int);
             B -> A: accepted(k: int, y: int) where y == x;
             choice at A { A -> B: go(k: int); } or { A -> B: stop(k: int); B -> A: stopped(k: int); }
           }
         }",
    ),
    (
        "reusable and rising",
        "protocol P(role A, role B) {
           during { A -> B: bye(); }
           interleave f each k: int reusable { A -> B: req(k: int); B -> A: rep(k: int); }
           interleave g each s: int rising { A -> B: ask(s: int); B -> A: ans(s: int); }
         }",
    ),
    (
        "several keys",
        "protocol P(role A, role B) {
           during { A -> B: bye(); } interleave f each (i: int, j: int) {
             A -> B: one(i: int);
             B -> A: two(i: int, j: int);
             A -> B: three(j: int);
             choice at B { B -> A: four(i: int); } or { B -> A: five(j: int, i: int); }
           }
         }",
    ),
    (
        "nested families",
        "protocol P(role A, role B) {
           during { A -> B: bye(); } interleave outer each k: int {
             var c: int = 0;
             A -> B: begin(k: int);
             during { A -> B: finish(k: int); } interleave inner each m: int {
               var d: int = 0;
               A -> B: call(k: int, m: int) set c = c + 1 set d = c;
               B -> A: reply(m: int, v: int) where v == d;
             }
           }
         }",
    ),
    (
        "rounds",
        "protocol P(role A, role B, role C) {
           during { rec X { choice at A { A -> B: data(); continue X; } or { A -> B: fin(); B -> C: note(); } } }
           interleave hb { B -> A: ping(n: int); A -> B: pong(m: int) where m == n; }
           interleave ctl { C -> A: ctl(); }
           B -> A: beyond();
           A -> C: last();
         }",
    ),
    (
        "attempts",
        "protocol P(role A, role B) {
           var n: int = 0;
           A: fetch(x: int) may retry where x > n;
           rec X { choice at A { A -> B: m(y: int) may retry within 3s where y > n set n = y; continue X; } or { A -> B: e(); } }
         }",
    ),
    (
        "epochs",
        "@epoch(e) protocol P(role A, role B) {
           rec X {
             try { rec Y { A -> B: a(e: int); B -> A: b(e: int, x: int); continue Y; } }
             on interrupt stop(e: int) by A { B -> A: stopped(); }
             continue X;
           }
         }",
    ),
    (
        "lossy and latest",
        "protocol P(role A, role B) {
           channel A -> B: lossy; channel B -> A: latest;
           rec X { choice at A { A -> B: a(n: int); continue X; } or { A -> B: b(); } }
           rec Y { choice at B { B -> A: c(n: int); continue Y; } or { B -> A: d(); } }
         }",
    ),
    (
        "every",
        "protocol P(role A, role B) {
           var beat: duration = 4s;
           A -> B: hello();
           during { rec X { choice at A { A -> B: data(); continue X; } or { A -> B: fin(); } } }
           interleave hb { A -> B: ping() every (beat) set beat = 3s; B -> A: pong(); }
           interleave jobs each k: int every 5s { B -> A: job(k: int); A -> B: ok(k: int); }
           B -> A: last();
         }",
    ),
    (
        "every from the start",
        "protocol P(role A, role B) {
           try { during { B -> A: bye(); } interleave hb every 4s { A -> B: ping(); } } on interrupt stop() by B { }
         }",
    ),
    (
        "main-less during",
        "protocol P(role A, role B) {
           A -> B: hello();
           during interleave { A -> B: ping(); choice at B { B -> A: pong(); } or { B -> A: busy(); A -> B: ok(); } }
         }",
    ),
    (
        "par",
        "protocol P(role A, role B, role C) {
           par { var x: int = 2; A -> B: a(n: int) where n > x; B -> C: b(); }
           and { C -> A: c(n: int{n < 3}); par { A -> B: d(); } and { B -> A: e(); } }
           A -> B: f() within 3s;
         }",
    ),
    (
        "interrupt",
        "protocol P(role A, role B, role C) {
           try {
             rec X { A -> B: a(); B -> C: b(); C -> A: c(); continue X; }
           } on interrupt stop(n: int) where n > 0 by B { A -> C: told(); C -> B: bye(); }
           on interrupt quit() by A { B -> C: left(); }
           A -> B: after(); B -> C: after2();
         }",
    ),
    (
        "timeouts",
        "protocol P(role A, role B) {
           A -> B: hello();
           try { A -> B: one(); B -> A: two(); A -> B: three(); }
           on timeout 5s at B { B -> A: late(); }
           on idle 7s at A { A -> B: quiet(); }
           on deadline 9s at B { B -> A: over(); }
           B -> A: then();
         }",
    ),
    (
        "empty handler",
        "protocol P(role A, role B) {
           try { A -> B: one(); } on timeout 2s at B { }
           B -> A: next();
           A -> B: last();
         }",
    ),
    (
        "crash",
        "protocol P(role A, unreliable role B, role C) {
           try { A -> B: prepare(); B -> A: yes(); A -> B: commit(); B -> C: fine(); }
           on crash B { A -> C: lost(); }
           A -> C: done();
         }",
    ),
    (
        "windows",
        "protocol P(role A, role B) {
           A -> B: a() within 2s;
           B -> A: b() within [1s, 3s];
           rec X { choice at A { A -> B: c() within 4s; continue X; } or { A -> B: d() within [2s, 5s]; } }
         }",
    ),
    (
        "memory",
        "protocol P(role A, role B) {
           rec X {
             choice at A { A -> B: put(id: int, v: int) idempotent by (id) where v > 0; B -> A: ack(); continue X; }
             or { A -> B: tag(t: int) unique by (t) for 3s; continue X; }
             or { A -> B: log(t: int, id: int) idempotent by (id) for 2s; continue X; }
             or { A -> B: end(); }
           }
         }",
    ),
    (
        "block options",
        "protocol P(role A, role B) {
           var n: int = 0;
           during set n = n + 1 unique by (id) { A -> B: x(id: int); B -> A: y(id: int, m: int) where m == n; }
           interleave where id > 0 { A -> B: p(id: int); B -> A: q(id: int); }
         }",
    ),
    (
        "dispatch",
        "protocol P(role A, role B) {
           rec X {
             choice at A { A -> B: m(n: int) where n < 2; B -> A: low(); continue X; }
             or { A -> B: m(n: int) where n >= 2 && n < 4; B -> A: high(); continue X; }
             or { A -> B: m(n: int) where n == 4; }
             or { A -> B: m(s: string); continue X; }
           }
         }",
    ),
    (
        "try in a loop, with jumps",
        "protocol P(role A, role B) {
           rec X [n<A, B>: int = 0] {
             try {
               A -> B: a();
               choice at B { B -> A: again() where n < 2; continue X[n + 1]; } or { B -> A: ok(); }
             } on interrupt stop() by A { B -> A: stopped(); }
             A -> B: fin();
           }
         }",
    ),
    (
        "lookup",
        "protocol P(role A, role B) {
           during { A -> B: bye(); }
           interleave jobs each k: int { var n: int = 0; A -> B: start(k: int, x: int) set n = x; B -> A: stop(k: int); }
           interleave { A -> B: ask(k: int, v: int) where k in jobs && jobs[k].n == v; B -> A: told(); }
         }",
    ),
    (
        "try around during",
        "protocol P(role A, role B) {
           var seq: int = 0;
           try {
             during { A -> B: bye(); } interleave hb each k: int { B -> A: ping(k: int); A -> B: pong(k: int); }
             interleave jobs each j: int {
               A -> B: sub(x: int);
               B -> A: acc(j: int);
               rec R { choice at B { B -> A: ev(j: int, s: int) where s == seq + 1 set seq = s; continue R; }
                       or { B -> A: res(j: int, s: int) where s == seq + 1 set seq = s; } }
             }
           } on interrupt stop(why: int) by A { B -> A: stopped(); }
         }",
    ),
    (
        "assertions ahead",
        "aux protocol Q(role X, role Y) { X -> Y: q(a: int); Y -> X: r(b: int) where b != a; }
         protocol P(role A, role B, role C) {
           A -> B: m(x: int);
           assert x > 0;
           rec X [t<A>: int = 0] {
             choice at A { A -> B: n(y: int); assert y > t; continue X[t + 1]; }
             or { A -> B: o(z: int); assert z != 2; do Q(A, B); }
           }
           A -> C: s(v: int); assert v > 1;
           par { A -> B: u(); } and { A -> C: w(); C -> A: k(); }
         }",
    ),
    (
        "calls",
        "protocol P(role A, role B) {
           nested protocol Q(role X, role Y; new role W) { X -> W: m(n: int); W -> Y: o(n: int{n > 1}); }
           A calls Q(B, A); A -> B: done(n: int) where n > 2;
         }",
    ),
];
