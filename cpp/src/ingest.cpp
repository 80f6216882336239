#include "irtd/ingest.hpp"

#include <cstring>
#include <utility>

#include "irtd/crc32c.hpp"
#include "irtd/file.hpp"
#include "irtd/hash.hpp"
#include "irtd/jpeg.hpp"
#include "irtd/parallel.hpp"

namespace irtd {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;

/// A defect of the source file, as against a failure of ours.
class SourceDefect : public std::runtime_error {
 public:
  SourceDefect(std::string code, const std::string& message)
      : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& code() const noexcept { return code_; }

 private:
  std::string code_;
};

void check_shape(const JpegHeader& header, const JpegExpectation& expected) {
  if (header.height == expected.height && header.width == expected.width) return;
  throw SourceDefect("changed-since-plan", "expected " + std::to_string(expected.height) + "x" +
                                               std::to_string(expected.width) + ", found " +
                                               std::to_string(header.height) + "x" +
                                               std::to_string(header.width));
}

void check_gray(int deviation, const JpegExpectation& expected) {
  if (deviation <= expected.chroma_tolerance) return;
  throw SourceDefect("not-gray", "expected a gray picture (chroma within " +
                                     std::to_string(expected.chroma_tolerance) +
                                     " of neutral), found a deviation of " +
                                     std::to_string(deviation));
}

void decode_into(Bytes file, const JpegExpectation& expected, MutableBytes out) {
  check_shape(read_jpeg_header(file), expected);
  const ImageView<std::uint8_t> view(out.data(), expected.height, expected.width,
                                     expected.channels);
  if (expected.channels == 1) {
    check_gray(decode_jpeg_gray_checked(file, view), expected);
  } else {
    decode_jpeg(file, view);
  }
}

/// Runs `body` and turns defects of the source into a result; failures of ours pass through.
template <typename Body>
void record_outcome(IngestResult& result, const Body& body) {
  try {
    body();
    result.ok = true;
  } catch (const SourceDefect& defect) {
    result.code = defect.code();
    result.message = defect.what();
  } catch (const Error& error) {
    if (error.code() == Errc::decode) {
      result.code = "undecodable-image";
    } else if (error.code() == Errc::io || error.code() == Errc::corrupt) {
      result.code = "unreadable";
    } else {
      throw;
    }
    result.message = error.what();
  }
}

/// Bytes of the decoded picture; refuses a shape that no picture has.
std::uint64_t expected_bytes(const JpegExpectation& expected) {
  constexpr int kMaxSide = 65535;  // what a JPEG's header can say
  IRTD_REQUIRE(expected.height >= 1 && expected.height <= kMaxSide && expected.width >= 1 &&
                   expected.width <= kMaxSide,
               "expected sides must be 1..65535");
  IRTD_REQUIRE(expected.channels == 1 || expected.channels == 3, "channels must be 1 or 3");
  return static_cast<std::uint64_t>(expected.height) * static_cast<std::uint64_t>(expected.width) *
         static_cast<std::uint64_t>(expected.channels);
}

void check_stamp(const FileStamp& found, const FileStamp& planned) {
  if (found.size != planned.size) {
    throw SourceDefect("changed-since-plan", "expected " + std::to_string(planned.size) +
                                                 " bytes, found " + std::to_string(found.size));
  }
  if (found.mtime_ns != planned.mtime_ns) {
    throw SourceDefect("changed-since-plan", "the file was written again after the plan was made");
  }
}

/// Reads a whole file; `planned` is the version it must be, or null.
Bytes load(const std::string& path, std::vector<std::uint8_t>& buffer, const FileStamp* planned,
           IngestResult& result) {
  FileStamp found;
  const std::size_t n = read_file(path, buffer, kMaxFileBytes, &found);
  if (planned != nullptr) check_stamp(found, *planned);
  const Bytes file(buffer.data(), n);
  result.digest = xxh64(file);
  return file;
}

}  // namespace

std::vector<IngestResult> put_jpeg_files(ShardWriter& writer,
                                         const std::vector<std::uint64_t>& rows,
                                         const std::vector<std::string>& paths,
                                         const JpegExpectation& expected, int threads,
                                         const std::vector<FileStamp>& planned) {
  IRTD_REQUIRE(rows.size() == paths.size(), "one path for each row");
  IRTD_REQUIRE(planned.empty() || planned.size() == paths.size(), "one version for each path");
  IRTD_REQUIRE(expected_bytes(expected) == writer.chunk_bytes(),
               "expected pictures do not fit the rows of the shard");
  std::vector<IngestResult> results(rows.size());
  parallel_for(rows.size(), threads, [&](std::size_t i, int) {
    thread_local std::vector<std::uint8_t> buffer;
    record_outcome(results[i], [&] {
      const FileStamp* version = planned.empty() ? nullptr : &planned[i];
      const Bytes file = load(paths[i], buffer, version, results[i]);
      writer.fill(rows[i], [&](MutableBytes out) { decode_into(file, expected, out); });
    });
    if (!results[i].ok) writer.skip(rows[i]);
  });
  return results;
}

std::vector<IngestResult> pack_jpeg_files(PackedWriter& writer,
                                          const std::vector<std::uint64_t>& offsets,
                                          const std::vector<std::uint64_t>& lengths,
                                          const std::vector<std::string>& paths,
                                          const std::vector<JpegExpectation>& expected, int threads,
                                          const std::vector<FileStamp>& planned) {
  IRTD_REQUIRE(planned.empty() || planned.size() == paths.size(), "one version for each path");
  IRTD_REQUIRE(offsets.size() == paths.size() && lengths.size() == paths.size() &&
                   expected.size() == paths.size(),
               "one offset, length and expectation for each path");
  std::vector<IngestResult> results(paths.size());
  parallel_for(paths.size(), threads, [&](std::size_t i, int) {
    thread_local std::vector<std::uint8_t> buffer;
    thread_local std::vector<std::uint8_t> pixels;
    const MutableBytes slot = writer.slot(offsets[i], lengths[i]);
    record_outcome(results[i], [&] {
      const FileStamp* version = planned.empty() ? nullptr : &planned[i];
      const Bytes file = load(paths[i], buffer, version, results[i]);
      if (file.size() != slot.size()) {
        throw SourceDefect("changed-since-plan", "expected " + std::to_string(slot.size()) +
                                                     " bytes, found " +
                                                     std::to_string(file.size()));
      }
      check_shape(read_jpeg_header(file), expected[i]);  // before its pixels get memory
      pixels.resize(static_cast<std::size_t>(expected_bytes(expected[i])));
      decode_into(file, expected[i], MutableBytes(pixels));
      std::memcpy(slot.data(), file.data(), file.size());
    });
    results[i].crc32c = crc32c(slot);
  });
  return results;
}

std::uint32_t put_packed(PackedWriter& writer, std::uint64_t offset, Bytes data) {
  const MutableBytes slot = writer.slot(offset, data.size());
  if (!data.empty()) std::memcpy(slot.data(), data.data(), data.size());
  return crc32c(slot);
}

}  // namespace irtd
