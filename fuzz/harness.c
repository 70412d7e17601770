/* A libFuzzer target around an embedded Python: every input goes to `target.check`. libFuzzer sees the coverage of the
 * codec's C, which is built with -fsanitize=fuzzer-no-link. The module `guard` makes the terminating NUL of a bytes
 * object poisonous, so that even reading one byte too far is found. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <sanitizer/asan_interface.h>
#include <stdint.h>

static PyObject *check;

static PyObject *protect(PyObject *self, PyObject *data) {
    if (PyBytes_GET_SIZE(data) > 1) /* shorter ones are shared by the whole interpreter */
        ASAN_POISON_MEMORY_REGION(PyBytes_AS_STRING(data) + PyBytes_GET_SIZE(data), 1);
    Py_RETURN_NONE;
}

static PyObject *release(PyObject *self, PyObject *data) {
    if (PyBytes_GET_SIZE(data) > 1)
        ASAN_UNPOISON_MEMORY_REGION(PyBytes_AS_STRING(data) + PyBytes_GET_SIZE(data), 1);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"protect", protect, METH_O, NULL}, {"release", release, METH_O, NULL}, {NULL}};
static struct PyModuleDef guard = {PyModuleDef_HEAD_INIT, "guard", NULL, -1, methods};
static PyObject *init_guard(void) { return PyModule_Create(&guard); }

static void die(void) {
    PyErr_Print();
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    PyImport_AppendInittab("guard", init_guard);
    Py_InitializeEx(0);
    PyObject *target = PyImport_ImportModule("target");
    if (target == NULL || (check = PyObject_GetAttrString(target, "check")) == NULL) die();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    PyObject *input = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
    PyObject *result = input == NULL ? NULL : PyObject_CallOneArg(check, input);
    if (result == NULL) die();
    Py_DECREF(result);
    Py_DECREF(input);
    return 0;
}
