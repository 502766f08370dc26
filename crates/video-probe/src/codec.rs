//! The names of codecs.

/// The name of a codec by the code of its sample entry: <https://mp4ra.org/registered-types/sampleentries>
/// and, for what `QuickTime` alone has, Apple's `QuickTime` File Format Specification, "Video Sample
/// Description". What is not known keeps its code.
pub(super) fn of_sample_entry(code: [u8; 4]) -> String {
    let name = match &code {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" | b"H264" | b"h264" | b"X264"
        | b"x264" => "h264",
        b"hvc1" | b"hev1" | b"hvc2" | b"hev2" | b"dvh1" | b"dvhe" | b"HEVC" | b"hevc" => "h265",
        b"vvc1" | b"vvi1" => "h266",
        b"vp08" | b"VP80" => "vp8",
        b"vp09" | b"VP90" => "vp9",
        b"vp31" | b"VP31" | b"VP60" | b"VP61" | b"VP6F" | b"VP6A" => "vp6",
        b"av01" | b"dav1" => "av1",
        b"evc1" => "evc",
        b"apv1" => "apv",
        b"mp4v" | b"DIVX" | b"XVID" | b"xvid" | b"divx" | b"DX50" | b"FMP4" | b"3IV2" | b"3IVX"
        | b"3ivx" | b"MP4S" | b"M4S2" => "mpeg4",
        b"mp1v" | b"m1v " | b"m1v1" | b"mpeg" | b"mp1 " => "mpeg1",
        // HDV and XDCAM are families of MPEG-2, one code for each size and rate.
        [b'h', b'd', b'v', _]
        | [b'x', b'd', b'v' | b'5' | b'h', _]
        | b"mp2v"
        | b"m2v1"
        | b"mpg2"
        | b"mx3p"
        | b"mx4p"
        | b"mx5p"
        | b"mx3n"
        | b"mx4n"
        | b"mx5n"
        | b"AVmp" => "mpeg2",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" | b"aprn" | b"aprh" => "prores",
        b"jpeg" | b"mjpa" | b"mjpb" | b"MJPG" | b"mjpg" | b"AVDJ" | b"dmb1" => "mjpeg",
        b"mjp2" | b"MJP2" | b"j2ki" | b"j2k1" => "jpeg2000",
        b"s263" | b"h263" | b"H263" | b"M263" => "h263",
        b"h261" => "h261",
        b"AVdn" | b"AVdh" => "dnxhd",
        b"CFHD" => "cineform",
        b"dvc " | b"dvcp" | b"dvpp" | b"dvp " | b"dvsd" | b"DVSD" | b"dv5n" | b"dv5p" | b"dvhp"
        | b"dvhq" | b"dvh2" | b"dvh3" | b"dvh4" | b"dvh5" | b"dvh6" | b"AVdv" | b"AVd1" => "dv",
        b"icod" => "aic",
        b"SVQ1" | b"svq1" | b"svqi" | b"SVQ3" => "sorenson",
        b"cvid" => "cinepak",
        b"IV31" | b"IV32" | b"IV41" | b"IV50" => "indeo",
        b"rle " | b"mrle" | b"WRLE" => "qtrle",
        b"rpza" | b"azpr" | b"smc " | b"8BPS" | b"qdrw" | b"Hap1" | b"Hap5" | b"HapY" | b"HapM"
        | b"HapA" | b"Hap7" | b"pxlt" | b"flv1" | b"tsc2" | b"drac" | b"FFV1" | b"M8RG"
        | b"theo" | b"CSCD" | b"LOCO" | b"MagY" | b"M8Y0" => {
            return code.escape_ascii().to_string().trim().to_ascii_lowercase();
        }
        b"png " | b"MPNG" => "png",
        b"gif " => "gif",
        b"tiff" => "tiff",
        b"tga " => "targa",
        b"WMV1" | b"WMV2" | b"WMV3" | b"WVC1" | b"vc-1" | b"VC-1" | b"wmv3" | b"ovc1" => "vc1",
        b"raw " | b"2vuy" | b"yuv2" | b"yuvs" | b"v210" | b"v216" | b"v308" | b"v408" | b"v410"
        | b"2Vuy" | b"UYVY" | b"YUY2" | b"I420" | b"yv12" | b"NO16" | b"r210" | b"R10k"
        | b"R10g" | b"b64a" | b"b48r" | b"ABGR" | b"RGBA" | b"BGRA" | b"DVOO" | b"uncv" => {
            "uncompressed"
        }
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
        0xa4 => "drac",
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
        "V_THEORA" => "theo",
        "V_PRORES" => "prores",
        "V_FFV1" => "ffv1",
        "V_DIRAC" => "drac",
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
