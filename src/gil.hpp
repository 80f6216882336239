// Lets other Python threads run while native code works.
#pragma once

#include <Python.h>

#include <chrono>
#include <thread>

namespace irtd::python {

/// Releases the GIL for its lifetime, also in daemon threads that outlive the interpreter.
///
/// Taking the GIL back while the interpreter ends makes CPython before 3.14 exit the thread by
/// unwinding its stack (pthread_exit); from a destructor that must not throw, as that of
/// pybind11's gil_scoped_release, this calls std::terminate. So a thread that comes late waits
/// here until the process is gone, as CPython 3.14 does it, and the unwinding may pass.
class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;
  ~GilRelease() noexcept(false) {
    while (is_finalizing()) std::this_thread::sleep_for(std::chrono::hours(1));
    PyEval_RestoreThread(state_);
  }

 private:
  static bool is_finalizing() noexcept {
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing() != 0;
#else
    return _Py_IsFinalizing() != 0;
#endif
  }

  PyThreadState* state_;
};

}  // namespace irtd::python
