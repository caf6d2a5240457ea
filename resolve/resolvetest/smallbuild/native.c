/* A C extension that needs no Python.h, so that a test machine needs a compiler
   but no development package. The layouts are those of the stable ABI
   (PEP 384), the same from CPython 3.2 on, free-threaded builds aside. */
#include <stddef.h>

typedef struct object { ptrdiff_t refcnt; void *type; } object;
typedef struct { object base; object *(*init)(void); ptrdiff_t index; object *copy; } def_base;
typedef struct { const char *name; object *(*call)(object *, object *); int flags; const char *doc; } method;
typedef struct {
	def_base base;
	const char *name, *doc;
	ptrdiff_t size;
	method *methods;
	void *slots;
	void *traverse, *clear, *free;
} module_def;

extern object *PyModule_Create2(module_def *, int);
extern object *PyLong_FromLong(long);

static object *answer(object *self, object *args) {
	(void)self; (void)args;
	return PyLong_FromLong(42);
}

static method methods[] = {{"answer", answer, 4 /* METH_NOARGS */, "the answer"}, {0, 0, 0, 0}};
static module_def def = {{{1, 0}, 0, 0, 0}, "_native", 0, -1, methods, 0, 0, 0, 0};

object *PyInit__native(void) { return PyModule_Create2(&def, 1013); }
