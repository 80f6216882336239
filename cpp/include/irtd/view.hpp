// Non-owning views. Interfaces of the core take views; owning is the caller's business.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace irtd {

/// A contiguous run of `size` elements that somebody else owns.
template <typename T>
class Span {
 public:
  constexpr Span() noexcept = default;
  constexpr Span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <typename U, typename = std::enable_if_t<std::is_same_v<std::remove_const_t<T>, U>>>
  constexpr Span(std::vector<U>& v) noexcept : data_(v.data()), size_(v.size()) {}
  template <typename U, typename = std::enable_if_t<std::is_same_v<T, const U>>>
  constexpr Span(const std::vector<U>& v) noexcept : data_(v.data()), size_(v.size()) {}
  template <typename U, typename = std::enable_if_t<std::is_same_v<T, const U>>>
  constexpr Span(Span<U> other) noexcept : data_(other.data()), size_(other.size()) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T* begin() const noexcept { return data_; }
  constexpr T* end() const noexcept { return data_ + size_; }
  constexpr T& operator[](std::size_t i) const noexcept {
    assert(i < size_);
    return data_[i];
  }
  constexpr Span subspan(std::size_t offset, std::size_t count) const noexcept {
    assert(offset <= size_ && count <= size_ - offset);
    return Span(data_ + offset, count);
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

using Bytes = Span<const std::uint8_t>;
using MutableBytes = Span<std::uint8_t>;

/// An interleaved image (rows × cols × channels) with a row stride in elements.
template <typename T>
class ImageView {
 public:
  constexpr ImageView() noexcept = default;
  constexpr ImageView(T* data, int rows, int cols, int channels = 1) noexcept
      : ImageView(data, rows, cols, channels, std::ptrdiff_t{cols} * channels) {}
  constexpr ImageView(T* data, int rows, int cols, int channels, std::ptrdiff_t stride) noexcept
      : data_(data), rows_(rows), cols_(cols), channels_(channels), stride_(stride) {}
  template <typename U, typename = std::enable_if_t<std::is_same_v<T, const U>>>
  constexpr ImageView(ImageView<U> other) noexcept
      : ImageView(other.data(), other.rows(), other.cols(), other.channels(), other.stride()) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr int rows() const noexcept { return rows_; }
  constexpr int cols() const noexcept { return cols_; }
  constexpr int channels() const noexcept { return channels_; }
  constexpr std::ptrdiff_t stride() const noexcept { return stride_; }
  constexpr T* row(int r) const noexcept {
    assert(r >= 0 && r < rows_);
    return data_ + std::ptrdiff_t{r} * stride_;
  }
  constexpr bool contiguous() const noexcept {
    return stride_ == std::ptrdiff_t{cols_} * channels_;
  }
  constexpr std::size_t size() const noexcept {
    return static_cast<std::size_t>(rows_) * static_cast<std::size_t>(cols_) *
           static_cast<std::size_t>(channels_);
  }

 private:
  T* data_ = nullptr;
  int rows_ = 0;
  int cols_ = 0;
  int channels_ = 1;
  std::ptrdiff_t stride_ = 0;
};

}  // namespace irtd
