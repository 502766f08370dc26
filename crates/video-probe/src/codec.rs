//! The names of codecs.

/// The name of a codec by the code of its sample entry: <https://mp4ra.org/registered-types/sampleentries>
/// and, for what `QuickTime` alone has, Apple's `QuickTime` File Format Specification, "Video Sample
/// Description". What is not known keeps its code.
///
/// Upper and lower case are the same: what other containers brought along is written either way.
pub(super) fn of_sample_entry(code: [u8; 4]) -> String {
    let mut lower = code;
    lower.make_ascii_lowercase();
    let name = match &lower {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" | b"h264" | b"x264" => "h264",
        b"hvc1" | b"hev1" | b"hvc2" | b"hev2" | b"hvc3" | b"hev3" | b"dvh1" | b"dvhe" | b"hevc"
        | b"h265" => "h265",
        b"vvc1" | b"vvi1" => "h266",
        b"vp08" | b"vp80" => "vp8",
        b"vp09" | b"vp90" => "vp9",
        b"vp30" | b"vp31" | b"vp60" | b"vp61" | b"vp62" | b"vp6f" | b"vp6a" | b"vp70" => "vp6",
        b"av01" | b"dav1" => "av1",
        b"evc1" => "evc",
        b"apv1" => "apv",
        b"mp4v" | b"divx" | b"xvid" | b"dx50" | b"fmp4" | b"3iv1" | b"3iv2" | b"3ivd" | b"3ivx"
        | b"mp4s" | b"m4s2" | b"div3" | b"div4" | b"mp41" | b"mp42" | b"mp43" | b"mpg4" => "mpeg4",
        b"mp1v" | b"m1v " | b"m1v1" | b"mpeg" | b"mp1 " => "mpeg1",
        // HDV and XDCAM are families of MPEG-2, one code for each size and rate.
        [b'h', b'd', b'v', _]
        | [b'x', b'd', b'v' | b'5' | b'h', _]
        | [b'm', b'x', b'3' | b'4' | b'5', b'n' | b'p']
        | b"mp2v"
        | b"m2v1"
        | b"mpg2"
        | b"avmp" => "mpeg2",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" | b"aprn" | b"aprh" => "prores",
        b"jpeg" | b"mjpa" | b"mjpb" | b"mjpg" | b"avdj" | b"avrn" | b"dmb1" => "mjpeg",
        b"mjp2" | b"j2ki" | b"j2k1" => "jpeg2000",
        b"s263" | b"h263" | b"m263" | b"u263" => "h263",
        b"h261" => "h261",
        b"avdn" | b"avdh" => "dnxhd",
        b"cfhd" => "cineform",
        // DV, too, has a code for each size and rate.
        [b'd', b'v', b'5', b'n' | b'p']
        | [b'd', b'v', b'h', b'2'..=b'6' | b'p' | b'q']
        | b"dvc "
        | b"dvcp"
        | b"dvpp"
        | b"dvp "
        | b"dvsd"
        | b"avdv"
        | b"avd1" => "dv",
        b"icod" => "aic",
        b"svq1" | b"svqi" | b"svq3" => "sorenson",
        b"cvid" => "cinepak",
        b"iv31" | b"iv32" | b"iv41" | b"iv50" => "indeo",
        b"rle " | b"mrle" | b"wrle" => "qtrle",
        [b'h', b'a', b'p', _] => "hap",
        b"rpza" | b"azpr" => "rpza",
        b"smc " => "smc",
        b"8bps" => "8bps",
        b"qdrw" => "qdrw",
        b"flv1" => "flv1",
        b"tscc" | b"tsc2" => "tscc",
        b"drac" => "dirac",
        b"bbcd" | b"snow" => "snow",
        b"ffv1" | b"m8rg" | b"magy" | b"m8y0" | b"ffvh" | b"hfyu" | b"uly0" | b"uly2" | b"ulrg"
        | b"ulra" | b"loco" | b"cscd" => "lossless",
        b"theo" => "theora",
        b"png " | b"mpng" => "png",
        b"gif " => "gif",
        b"tiff" => "tiff",
        b"tga " => "targa",
        b"wmv1" | b"wmv2" | b"wmv3" | b"wvc1" | b"vc-1" | b"ovc1" => "vc1",
        [b'r', b'g', b'b', _]
        | b"raw "
        | b"2vuy"
        | b"yuv2"
        | b"yuvs"
        | b"v210"
        | b"v216"
        | b"v308"
        | b"v408"
        | b"v410"
        | b"uyvy"
        | b"yuy2"
        | b"yuyv"
        | b"i420"
        | b"yv12"
        | b"no16"
        | b"r210"
        | b"r10k"
        | b"r10g"
        | b"b64a"
        | b"b48r"
        | b"abgr"
        | b"bgra"
        | b"dvoo"
        | b"uncv" => "uncompressed",
        b"encv" | b"drmi" => "encrypted",
        _ => return code.escape_ascii().to_string(),
    };
    name.to_owned()
}

/// The name of a codec by the `objectTypeIndication` of an `mp4v` entry: ISO/IEC 14496-1, table 5, and
/// <https://mp4ra.org/registered-types/object-types>.
pub(super) fn of_object_type(object: u8) -> Option<&'static str> {
    Some(match object {
        0x20 => "mpeg4",
        0x21 => "h264",
        0x23 => "h265",
        0x60..=0x65 => "mpeg2",
        0x6a => "mpeg1",
        0x6c => "mjpeg",
        0x6d => "png",
        0x6e => "jpeg2000",
        0xa3 => "vc1",
        0xa4 => "dirac",
        0xb1 => "vp9",
        _ => return None,
    })
}

/// The name of a codec by its Matroska id: <https://www.matroska.org/technical/codec_specs.html>.
pub(super) fn of_matroska(id: String) -> String {
    let name = match id.as_str() {
        "V_VP8" => "vp8",
        "V_VP9" => "vp9",
        "V_AV1" => "av1",
        "V_MPEG4/ISO/AVC" => "h264",
        "V_MPEGH/ISO/HEVC" => "h265",
        "V_MPEGI/ISO/VVC" => "h266",
        "V_MPEG4/ISO/SP" | "V_MPEG4/ISO/ASP" | "V_MPEG4/ISO/AP" | "V_MPEG4/MS/V3" => "mpeg4",
        "V_MPEG1" => "mpeg1",
        "V_MPEG2" => "mpeg2",
        "V_MJPEG" => "mjpeg",
        "V_THEORA" => "theora",
        "V_PRORES" => "prores",
        "V_FFV1" => "lossless",
        "V_DIRAC" => "dirac",
        "V_UNCOMPRESSED" => "uncompressed",
        "V_REAL/RV10" | "V_REAL/RV20" | "V_REAL/RV30" | "V_REAL/RV40" => "realvideo",
        "V_AVS2" | "V_AVS3" => "avs",
        _ => return id,
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_have_one_name_and_strangers_keep_their_code() {
        for (code, name) in [
            (*b"avc3", "h264"),
            (*b"dvhe", "h265"),
            (*b"xdvb", "mpeg2"),
            (*b"hdv2", "mpeg2"),
            (*b"8BPS", "8bps"),
            (*b"CFHD", "cineform"),
            (*b"FLV1", "flv1"),
            (*b"RGB\x18", "uncompressed"),
            (*b"New2", "New2"),
            (*b"new1", "new1"),
            (*b"\x1b[2J", "\\x1b[2J"),
        ] {
            assert_eq!(of_sample_entry(code), name);
        }
        assert_eq!(of_matroska("V_MPEG4/ISO/ASP".to_owned()), "mpeg4");
        assert_eq!(of_matroska("V_NEW".to_owned()), "V_NEW");
    }

    #[test]
    fn an_object_type_tells_more_than_its_entry() {
        let names = [0x20, 0x61, 0x6a, 0x6c, 0x40].map(of_object_type);
        assert_eq!(names, [Some("mpeg4"), Some("mpeg2"), Some("mpeg1"), Some("mjpeg"), None]);
    }
}
