// Small sharded arrays for tests: written by ShardWriter, or put together by hand to be wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "irtd/codec.hpp"
#include "irtd/shard_reader.hpp"
#include "irtd/shard_writer.hpp"
#include "shard_index.hpp"
#include "support.hpp"

namespace irtd::testing {

inline CodecSpec codec(CodecKind kind, int level = 1) {
  CodecSpec spec;
  spec.kind = kind;
  spec.level = level;
  return spec;
}

inline CodecChain raw_chain(int itemsize = 1) {
  return CodecChain({codec(CodecKind::crc32c)}, itemsize);
}

inline CodecChain zstd_chain(int itemsize = 1) {
  return CodecChain({codec(CodecKind::zstd), codec(CodecKind::crc32c)}, itemsize);
}

/// An array in `dir` whose shard n is the file "s<n>".
inline ShardLayout layout_in(const TempDir& dir, std::uint64_t rows, std::uint64_t rows_per_shard,
                             std::uint64_t chunk_bytes) {
  ShardLayout layout;
  layout.prefix = dir.path("s");
  layout.rows = rows;
  layout.rows_per_shard = rows_per_shard;
  layout.chunk_bytes = chunk_bytes;
  return layout;
}

/// The sample that row `row` of every test array holds.
inline Data sample(std::uint64_t row, std::size_t n) {
  return row % 2 == 0 ? smooth(n, static_cast<unsigned>(row))
                      : noise(n, static_cast<unsigned>(row));
}

/// The bytes of a shard file with these chunks; an empty one is a hole. `extents`, if given, gets
/// a chance to falsify the index.
template <typename Falsify>
Data shard_bytes(const std::vector<Data>& chunks, bool index_at_end, bool index_crc,
                 const Falsify& falsify) {
  const std::uint64_t index_size = ShardIndexFormat{chunks.size(), index_crc}.bytes();
  Data body;
  std::vector<ChunkExtent> extents;
  for (const Data& chunk : chunks) {
    const std::uint64_t at = body.size() + (index_at_end ? 0 : index_size);
    extents.push_back(chunk.empty() ? ChunkExtent{~std::uint64_t{0}, ~std::uint64_t{0}}
                                    : ChunkExtent{at, chunk.size()});
    body.insert(body.end(), chunk.begin(), chunk.end());
  }
  falsify(extents);
  const Data index = build_shard_index(extents, index_crc);
  body.insert(index_at_end ? body.end() : body.begin(), index.begin(), index.end());
  return body;
}

inline Data shard_bytes(const std::vector<Data>& chunks, bool index_at_end = true,
                        bool index_crc = true) {
  return shard_bytes(chunks, index_at_end, index_crc, [](std::vector<ChunkExtent>&) {});
}

/// Encoded chunks of rows [first, first + count).
inline std::vector<Data> encoded_rows(const CodecChain& chain, std::uint64_t first,
                                      std::uint64_t count, std::size_t chunk_bytes) {
  std::vector<Data> chunks;
  for (std::uint64_t row = first; row < first + count; ++row) {
    chunks.emplace_back();
    chain.encode(Bytes(sample(row, chunk_bytes)), chunks.back());
  }
  return chunks;
}

/// Writes shard `number` of `layout` with its samples; rows in `holes` are left out.
inline FileSummary write_shard(const ShardLayout& layout, std::uint64_t number,
                               const CodecChain& chain,
                               const std::vector<std::uint64_t>& holes = {}) {
  const std::uint64_t first = number * layout.rows_per_shard;
  const std::uint64_t used = std::min(layout.rows_per_shard, layout.rows - first);
  ShardWriter writer(layout.prefix + std::to_string(number) + layout.suffix, layout.rows_per_shard,
                     used, layout.chunk_bytes, chain);
  for (std::uint64_t i = 0; i < used; ++i) {
    if (std::find(holes.begin(), holes.end(), first + i) != holes.end()) {
      writer.skip(i);
    } else {
      writer.put(i, Bytes(sample(first + i, static_cast<std::size_t>(layout.chunk_bytes))));
    }
  }
  return writer.finish();
}

inline Data read_row(const ShardReader& reader, std::uint64_t row) {
  Data out(static_cast<std::size_t>(reader.chunk_bytes()), 0xA5);
  reader.read(row, MutableBytes(out));
  return out;
}

/// What reading a row of a damaged file gives: "right", "corrupt", "differs" or "another error".
inline std::string row_outcome(const ShardReader& reader, std::uint64_t row) {
  Data got;
  const auto error = caught([&] { got = read_row(reader, row); });
  if (error) return error->code() == Errc::corrupt ? "corrupt" : "another error";
  return got == sample(row, got.size()) ? "right" : "differs";
}

}  // namespace irtd::testing
