// Recipes that are a table of one entry per count, made for each picture or fixed.
#pragma once

#include "irtd/recipe.hpp"

namespace irtd::detail {

/// The counts that occur in a picture, both inclusive; empty if `hi` < `lo`.
struct CountRange {
  std::uint32_t lo = 1;
  std::uint32_t hi = 0;
};

class TableRecipe : public NativeRecipe {
 public:
  Toned tone(const Picture& in, const ValidMask& valid, float top,
             ToneScratch& scratch) const override;
  void render(const Picture& in, const ValidMask& valid, ToneType type, void* out,
              ToneScratch& scratch) const override;

 protected:
  /// Writes table entries for the counts of the picture; returns which are filled. The table has
  /// one entry per value of the picture's type. What is not filled stays as it is.
  virtual CountRange fill_table(const Picture& in, const ValidMask& valid, ToneScratch& scratch,
                                Span<float> table) const = 0;
  /// A whole table that needs no filling, or nullptr.
  virtual const float* fixed_table(const Picture&) const { return nullptr; }
  /// From table entries to the output.
  virtual ToneLine line_to(float top) const noexcept;

 private:
  const float* table_of(const Picture& in, const ValidMask& valid, ToneScratch& scratch,
                        CountRange* range) const;
};

}  // namespace irtd::detail
