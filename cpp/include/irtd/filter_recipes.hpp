// The filters as native recipes: for pictures of any strides and channels, chains and batches.
#pragma once

#include <cstdint>
#include <vector>

#include "irtd/clahe.hpp"
#include "irtd/detail_enhance.hpp"
#include "irtd/fixed_pattern.hpp"
#include "irtd/recipe.hpp"

namespace irtd {

/// Channels are filtered one by one. Levels of the whole range of the picture's type.
RecipePtr make_clahe(const ClaheOptions& options);

/// With `by_percentile`, low and high of the options are percentiles of each picture (of all of its
/// channels together), else counts.
RecipePtr make_detail(const DetailOptions& options, bool by_percentile);

struct StripeOptions {
  bool columns = true;
  bool rows = false;  ///< after the columns
  int window = 8;
  double strength = 1;  ///< share of an offset that is taken off
  double limit = 0;     ///< largest offset taken off; 0: any
};

// The corrections give counts in single precision, rounded only where an integer output is written.
// What is not valid becomes 0, or NaN in a float picture.

RecipePtr make_destripe(const StripeOptions& options);

/// A map over rows × cols, one byte a pixel.
struct PixelMap {
  std::vector<std::uint8_t> bad;  ///< empty: the rule looks for bad pixels in each picture
  int rows = 0;
  int cols = 0;
};

RecipePtr make_bad_pixels(PixelMap map, const BadPixelRule& rule);

struct TwoPointMaps {
  std::vector<float> gain, offset;
  int rows = 0;
  int cols = 0;
};

RecipePtr make_two_point(TwoPointMaps maps);

}  // namespace irtd
