"""Kernels as PTX."""

from __future__ import annotations

COMMON = """.version 7.0
.target sm_75
.address_size 64
.visible .global .align 4 .u32 counter;
.visible .const .align 4 .u32 factor;
.extern .shared .align 4 .b8 dynamic_bytes[];
.visible .entry empty()
{
    ret;
}
.visible .entry store(.param .u64 store_to)
{
    .reg .u64 %to;
    ld.param.u64 %to, [store_to];
    st.global.u32 [%to], 1;
    ret;
}
.visible .entry add(.param .u64 add_to, .param .u32 add_n)
{
    .reg .u64 %to;
    .reg .u32 %n;
    .reg .u32 %old;
    ld.param.u64 %to, [add_to];
    ld.param.u32 %n, [add_n];
    ld.global.u32 %old, [%to];
    add.u32 %old, %old, %n;
    st.global.u32 [%to], %old;
    ret;
}
.visible .entry several(
    .param .u8 several_0,
    .param .align 8 .b8 several_1[24],
    .param .u64 several_2,
    .param .f32 several_3)
{
    ret;
}
.visible .entry trap()
{
    trap;
}
.visible .entry static_40k()
{
    .shared .align 4 .b8 static_bytes[40960];
    .reg .u32 %at;
    mov.u32 %at, static_bytes;
    st.shared.u32 [%at], 1;
    ret;
}
.visible .entry dynamic()
{
    .reg .u32 %at;
    mov.u32 %at, dynamic_bytes;
    st.shared.u32 [%at], 1;
    ret;
}
.visible .entry at_most_64() .maxntid 64, 1, 1
{
    ret;
}
.visible .entry just_32_2_1() .reqntid 32, 2, 1
{
    ret;
}
.visible .entry two_a_multiprocessor() .maxntid 256, 1, 1 .minnctapersm 2
{
    ret;
}
"""

# Of compute capability 9.0: one needs clusters of two, one takes what the launch says.
CLUSTERS = """.version 7.8
.target sm_90
.address_size 64
.visible .entry pairs() .explicitcluster .reqnctapercluster 2, 1, 1
{
    ret;
}
.visible .entry any_cluster() .explicitcluster
{
    ret;
}
.visible .entry plain()
{
    ret;
}
"""

SYNTAX_ERROR = COMMON.replace("st.global.u32 [%to], 1;", "st.globl.u32 [%to], 1;")
NEWER = COMMON.replace(".version 7.0", ".version 99.0")
UNKNOWN_TARGET = COMMON.replace("sm_75", "sm_seventy")
NEWER_TARGET = COMMON.replace(".version 7.0", ".version 8.8").replace("sm_75", "sm_199")
UNRESOLVED = """.version 7.0
.target sm_75
.address_size 64
.extern .func elsewhere();
.visible .entry calls()
{
    call elsewhere;
    ret;
}
"""
# What the one before calls.
ELSEWHERE = """.version 7.0
.target sm_75
.address_size 64
.visible .global .align 4 .u32 called;
.visible .func elsewhere()
{
    .reg .u64 %to;
    mov.u64 %to, called;
    st.global.u32 [%to], 1;
    ret;
}
.visible .entry other()
{
    ret;
}
"""

TEXTURES = """.version 7.0
.target sm_75
.address_size 64
.visible .entry read_texture(.param .u64 texture_to, .param .u64 texture)
{
    .reg .u64 %to, %from;
    .reg .s32 %at;
    .reg .f32 %x, %y, %z, %w;
    ld.param.u64 %to, [texture_to];
    ld.param.u64 %from, [texture];
    mov.s32 %at, 0;
    tex.2d.v4.f32.s32 {%x, %y, %z, %w}, [%from, {%at, %at}];
    st.global.f32 [%to], %x;
    ret;
}
.visible .entry read_surface(.param .u64 surface_to, .param .u64 surface)
{
    .reg .u64 %to, %from;
    .reg .s32 %at;
    .reg .b32 %x;
    ld.param.u64 %to, [surface_to];
    ld.param.u64 %from, [surface];
    mov.s32 %at, 0;
    suld.b.2d.b32.trap {%x}, [%from, {%at, %at}];
    st.global.b32 [%to], %x;
    ret;
}
"""

KERNELS = {
    "common": COMMON.encode() + b"\0",
    "clusters": CLUSTERS.encode() + b"\0",
    "syntax_error": SYNTAX_ERROR.encode() + b"\0",
    "newer": NEWER.encode() + b"\0",
    "unknown_target": UNKNOWN_TARGET.encode() + b"\0",
    "newer_target": NEWER_TARGET.encode() + b"\0",
    "unresolved": UNRESOLVED.encode() + b"\0",
    "textures": TEXTURES.encode() + b"\0",
    "elsewhere": ELSEWHERE.encode() + b"\0",
}
