#include "irtd/packed.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "irtd/crc32c.hpp"
#include "irtd/error.hpp"
#include "irtd/hash.hpp"
#include "irtd/stage_clock.hpp"
#include "shard_index.hpp"

namespace irtd {
namespace {

constexpr std::uint64_t kCrcBytes = 4;
constexpr std::uint64_t kMaxPackedChunk = std::uint64_t{1} << 31;

}  // namespace

PackedReader::PackedReader(PackedLayout layout) : layout_(std::move(layout)) {
  IRTD_REQUIRE(layout_.chunk_bytes > 0, "a packed chunk holds at least one byte");
  IRTD_REQUIRE(layout_.offsets.size() == layout_.lengths.size() &&
                   layout_.offsets.size() == layout_.crcs.size(),
               "packed offsets, lengths and crc32c must have the same length");
  std::uint64_t files = 0;
  for (std::size_t i = 0; i < layout_.offsets.size(); ++i) {
    const std::uint64_t inside = layout_.offsets[i] % layout_.chunk_bytes;
    const std::uint64_t number = layout_.offsets[i] / layout_.chunk_bytes;
    if (layout_.lengths[i] > layout_.chunk_bytes - inside || number >= kMaxShards) {
      throw Error(Errc::corrupt, "packed sample " + std::to_string(i) + " crosses a chunk file")
          .at_row(static_cast<std::int64_t>(i));
    }
    if (number >= files) files = number + 1;
  }
  files_.resize(static_cast<std::size_t>(files));
}

std::uint64_t PackedReader::length(std::uint64_t row) const {
  IRTD_REQUIRE(row < rows(), "row " + std::to_string(row) + " is out of range");
  return layout_.lengths[static_cast<std::size_t>(row)];
}

std::string PackedReader::file_path(std::uint64_t row) const {
  IRTD_REQUIRE(row < rows(), "row out of range");
  return layout_.prefix +
         std::to_string(layout_.offsets[static_cast<std::size_t>(row)] / layout_.chunk_bytes);
}

std::shared_ptr<const File> PackedReader::file(std::uint64_t number) const {
  const auto i = static_cast<std::size_t>(number);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (files_[i]) return files_[i];
  const std::string path = layout_.prefix + std::to_string(number);
  try {
    files_[i] = std::make_shared<File>(File::open_read(path));
  } catch (const Error& error) {
    if (error.os_errno() != ENOENT && error.os_errno() != ENOTDIR) throw;
    throw Error(Errc::corrupt, "packed chunk file is missing").at_path(path);
  }
  ::posix_fadvise(files_[i]->fd(), 0, 0, POSIX_FADV_RANDOM);
  return files_[i];
}

void PackedReader::read(std::uint64_t row, MutableBytes out) const {
  IRTD_REQUIRE(out.size() == length(row), "output must hold exactly one sample");
  const auto i = static_cast<std::size_t>(row);
  try {
    const std::shared_ptr<const File> holder = file(layout_.offsets[i] / layout_.chunk_bytes);
    {
      const StageScope reading(Stage::read);
      holder->read_exact(out, layout_.offsets[i] % layout_.chunk_bytes);
    }
    std::uint8_t stored[kCrcBytes];
    store_le32(stored, layout_.crcs[i]);
    check_stored_crc(out, stored);
  } catch (Error& error) {
    if (error.path().empty()) error.at_path(file_path(row));
    throw error.at_row(static_cast<std::int64_t>(row));
  }
}

FileExtent PackedReader::file_extent(std::uint64_t row) const {
  const std::uint64_t nbytes = length(row);
  const std::uint64_t offset = layout_.offsets[static_cast<std::size_t>(row)];
  return {file(offset / layout_.chunk_bytes), offset % layout_.chunk_bytes, nbytes};
}

PackedWriter::PackedWriter(std::string path, std::uint64_t chunk_bytes)
    : path_(std::move(path)), partial_(path_ + ".partial"), chunk_bytes_(chunk_bytes) {
  IRTD_REQUIRE(chunk_bytes > 0 && chunk_bytes <= kMaxPackedChunk,
               "a packed chunk holds 1 B to 2 GiB");
  buffer_ = acquire_buffer(static_cast<std::size_t>(chunk_bytes + kCrcBytes));
  std::memset(buffer_.data(), 0, static_cast<std::size_t>(chunk_bytes));
}

PackedWriter::~PackedWriter() {
  if (!finished_) ::unlink(partial_.c_str());
}

MutableBytes PackedWriter::slot(std::uint64_t offset, std::uint64_t length) {
  IRTD_REQUIRE(!finished_, "the packed chunk is already finished");
  IRTD_REQUIRE(offset <= chunk_bytes_ && length <= chunk_bytes_ - offset,
               "packed sample lies outside its chunk file");
  return {buffer_.data() + offset, static_cast<std::size_t>(length)};
}

FileSummary PackedWriter::finish(std::uint64_t samples) {
  IRTD_REQUIRE(!finished_, "the packed chunk is already finished");
  const auto n = static_cast<std::size_t>(chunk_bytes_);
  store_le32(buffer_.data() + n, crc32c(Bytes(buffer_.data(), n)));
  const Bytes all(buffer_.data(), n + kCrcBytes);
  File file = File::create(partial_);
  file.write_exact(all, 0);
  file.sync();
  file.close();
  rename_durably(partial_, path_);
  finished_ = true;
  const FileSummary summary{all.size(), xxh64(all), samples};
  buffer_ = PooledBuffer();
  return summary;
}

}  // namespace irtd
