// Vectors of floats from any pixels; included once per SIMD target (Highway's -inl convention).
#if defined(IRTD_KERNELS_FLOATS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef IRTD_KERNELS_FLOATS_INL_HPP_
#undef IRTD_KERNELS_FLOATS_INL_HPP_
#else
#define IRTD_KERNELS_FLOATS_INL_HPP_
#endif

#include <hwy/highway.h>

#include "kernels_resample.hpp"

HWY_BEFORE_NAMESPACE();
namespace irtd::detail::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::CappedTag<float, kMaxLanes>;
using I32 = hn::RebindToSigned<F32>;
using U32 = hn::RebindToUnsigned<F32>;
using U64 = hn::Repartition<std::uint64_t, F32>;
using Narrow8 = hn::Rebind<std::uint8_t, F32>;
using Narrow16 = hn::Rebind<std::uint16_t, F32>;
using VF = hn::Vec<F32>;

HWY_INLINE VF LoadFloats(const std::uint8_t* p) {
  return hn::ConvertTo(F32(), hn::PromoteTo(I32(), hn::LoadU(Narrow8(), p)));
}
HWY_INLINE VF LoadFloats(const std::uint16_t* p) {
  return hn::ConvertTo(F32(), hn::PromoteTo(I32(), hn::LoadU(Narrow16(), p)));
}
HWY_INLINE VF LoadFloats(const float* p) { return hn::LoadU(F32(), p); }

}  // namespace irtd::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
