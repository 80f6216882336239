// Resampling of pictures in memory, one or many at once.
#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "irtd/parallel.hpp"
#include "irtd/resample.hpp"
#include "resample_arguments.hpp"

namespace irtd::python {
namespace {

using MatrixArray = py::array_t<double, py::array::c_style>;
using ToneArray = py::array_t<float, py::array::c_style>;
using Triple = std::array<float, 3>;
using Shape = std::vector<py::ssize_t>;

std::string describe(const py::array& array) {
  return py::str(array.dtype()).cast<std::string>() + " of shape " +
         py::str(array.attr("shape")).cast<std::string>();
}

/// A view of an (h, w) or (h, w, c) array; `held` keeps a packed copy alive where one is needed.
template <typename T>
ImageView<const T> source_view(py::array& held) {
  constexpr py::ssize_t kMaxSide = py::ssize_t{1} << 24;
  constexpr auto kItem = static_cast<py::ssize_t>(sizeof(T));
  const py::ssize_t rows = held.shape(0);
  const py::ssize_t cols = held.shape(1);
  const py::ssize_t channels = held.ndim() == 3 ? held.shape(2) : 1;
  if (rows < 1 || cols < 1 || rows > kMaxSide || cols > kMaxSide ||
      (channels != 1 && channels != 3)) {
    throw py::value_error("image must be (h, w) or (h, w, 3) with sides from 1 to 2**24, found " +
                          describe(held));
  }
  const bool packed = (cols == 1 || held.strides(1) == channels * kItem) &&
                      (channels == 1 || held.strides(2) == kItem);
  const bool whole = rows == 1 || held.strides(0) % kItem == 0;
  constexpr int kAligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if (!packed || !whole || (held.flags() & kAligned) == 0) {
    const py::object numpy = py::module_::import("numpy");
    held = numpy.attr("require")(held, py::none(), py::make_tuple("C", "A"));
  }
  const py::ssize_t stride = rows == 1 ? cols * channels * kItem : held.strides(0);
  return {static_cast<const T*>(held.data()), static_cast<int>(rows), static_cast<int>(cols),
          static_cast<int>(channels), stride / kItem};
}

/// Everything about a call but the picture and its matrix.
struct Job {
  ResampleOptions options;
  PixelType type = PixelType::f32;
  int height = 0;
  int width = 0;
  int channels = 1;
  py::ssize_t tone_size = 0;
};

using Task = std::function<void(void*)>;

template <typename T>
Task make_task(py::array& held, const Job& job, const double* matrix) {
  const ImageView<const T> view = source_view<T>(held);
  const py::ssize_t values = sizeof(T) == 1 ? 256 : 65536;
  if (job.tone_size != 0 && (sizeof(T) > 2 || job.tone_size != values)) {
    throw py::value_error("tone must have 256 entries for uint8 and 65536 for uint16, found " +
                          std::to_string(job.tone_size) + " for " + describe(held));
  }
  ResampleOptions options = job.options;
  std::copy_n(matrix, 6, options.matrix);
  return [view, options, job](void* target) {
    resample(view, options, target, job.type, job.height, job.width, job.channels);
  };
}

Task task_for(py::array& held, const Job& job, const double* matrix) {
  if (held.ndim() == 2 || held.ndim() == 3) {
    if (held.dtype().equal(py::dtype("u1"))) return make_task<std::uint8_t>(held, job, matrix);
    if (held.dtype().equal(py::dtype("u2"))) return make_task<std::uint16_t>(held, job, matrix);
    if (held.dtype().equal(py::dtype("f4"))) return make_task<float>(held, job, matrix);
    if (held.dtype().equal(py::dtype("i4"))) return make_task<std::int32_t>(held, job, matrix);
  }
  throw py::value_error(
      "image must be uint8, uint16, float32 or int32 of shape (h, w) or (h, w, 3), found " +
      describe(held));
}

Job make_job(std::pair<int, int> size, const std::string& filter, const std::string& border,
             float border_value, int channels, const std::string& layout, const Triple& scale,
             const Triple& offset, std::pair<float, float> clip,
             const std::optional<ToneArray>& tone, PixelType type) {
  constexpr int kMaxSide = 1 << 20;
  if (size.first < 1 || size.second < 1 || size.first > kMaxSide || size.second > kMaxSide) {
    throw py::value_error("size must be (height, width), from 1 to 2**20 each, found (" +
                          std::to_string(size.first) + ", " + std::to_string(size.second) + ")");
  }
  if (channels != 1 && channels != 3) {
    throw py::value_error("channels must be 1 or 3, found " + std::to_string(channels));
  }
  Job job;
  job.options.filter = filter_of(filter);
  job.options.border = border_of(border);
  job.options.border_value = border_value;
  job.options.layout = layout_of(layout);
  std::copy(scale.begin(), scale.end(), job.options.scale);
  std::copy(offset.begin(), offset.end(), job.options.offset);
  job.options.lo_clip = clip.first;
  job.options.hi_clip = clip.second;
  if (tone) {
    job.options.tone = tone->data();
    job.tone_size = tone->size();
  }
  job.type = type;
  job.height = size.first;
  job.width = size.second;
  job.channels = channels;
  return job;
}

/// Whether two arrays may share memory: a picture must not be written while it is read.
bool overlap(const py::array& a, const py::array& b) {
  return py::module_::import("numpy").attr("may_share_memory")(a, b).cast<bool>();
}

py::array resample_batch(const py::list& images, const MatrixArray& matrices,
                         std::pair<int, int> size, const std::string& filter,
                         const std::string& border, float border_value, const std::string& dtype,
                         int channels, const std::string& layout, const Triple& scale,
                         const Triple& offset, std::pair<float, float> clip,
                         const std::optional<ToneArray>& tone, const py::object& out, int threads) {
  const auto n = static_cast<py::ssize_t>(images.size());
  if (matrices.ndim() != 3 || matrices.shape(0) != n || matrices.shape(1) != 2 ||
      matrices.shape(2) != 3) {
    throw py::value_error("matrices must be (" + std::to_string(n) +
                          ", 2, 3), one for each image, found " + describe(matrices));
  }
  const OutputType type = output_type(dtype);
  const Job job = make_job(size, filter, border, border_value, channels, layout, scale, offset,
                           clip, tone, type.type);
  const Shape shape = job.options.layout == Layout::chw
                          ? Shape{n, channels, size.first, size.second}
                          : Shape{n, size.first, size.second, channels};
  py::array array = output_array(out, type.dtype, shape);
  std::vector<py::array> held;
  std::vector<Task> tasks;
  for (py::ssize_t i = 0; i < n; ++i) {
    const py::handle image = images[static_cast<std::size_t>(i)];
    if (!py::isinstance<py::array>(image)) throw py::type_error("images must be NumPy arrays");
    held.push_back(py::reinterpret_borrow<py::array>(image));
    tasks.push_back(task_for(held.back(), job, matrices.data(i, 0, 0)));
    if (!out.is_none() && overlap(held.back(), array)) {
      throw py::value_error("out must not share memory with an image");
    }
  }
  const MutableBytes target = mutable_bytes(array);
  const std::size_t bytes = tasks.empty() ? 0 : target.size() / tasks.size();
  const GilRelease release;
  parallel_for(tasks.size(), threads > 0 ? threads : available_threads(), [&](std::size_t i, int) {
    try {
      tasks[i](target.data() + i * bytes);
    } catch (Error& error) {
      throw error.at_row(static_cast<std::int64_t>(i));
    }
  });
  return array;
}

}  // namespace

void register_resample(py::module_& m) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  m.def("resample_batch", &resample_batch, py::arg("images"), py::arg("matrices"), py::arg("size"),
        py::kw_only(), py::arg("filter") = "antialias", py::arg("border") = "replicate",
        py::arg("border_value") = 0.0F, py::arg("dtype") = "float32", py::arg("channels") = 1,
        py::arg("layout") = "chw", py::arg("scale") = Triple{1, 1, 1},
        py::arg("offset") = Triple{0, 0, 0},
        py::arg("clip") = std::pair<float, float>(-kInfinity, kInfinity),
        py::arg("tone") = py::none(), py::arg("out") = py::none(), py::arg("threads") = 0,
        "Resample pictures of any sizes to one size in one pass each, over threads.\n\n"
        "images: uint8, uint16, float32 or int32, (h, w) or (h, w, 3); matrices (n, 2, 3) from\n"
        "source to output pixel edges; the result (n, channels, height, width) or (n, height,\n"
        "width, channels), in `out` if given. See irtd_fast.geometry.resample.");
}

}  // namespace irtd::python
