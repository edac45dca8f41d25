//! Arrays that have no byte of other rows. Selecting rows copies no texts: the array of the selected ones points into the same
//! pages of a file, where the texts of other rows are, and Arrow's format writes such pages as they are. The memory that a
//! plan measures would count them, too.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, make_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;

/// The same values in an array of their own. Its other parts are those of a selection, which copies them.
pub(super) fn own(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        // A dictionary of only these values.
        DataType::Dictionary(_, values) => cast(&cast(array, values)?, array.data_type())?,
        kind if kind.is_nested() => {
            let data = array.to_data();
            let copied = |child: &ArrayData| Ok(own(&make_array(child.clone()))?.to_data());
            let children = data.child_data().iter().map(copied).collect::<Result<Vec<_>>>()?;
            make_array(data.into_builder().child_data(children).build()?)
        }
        _ => Arc::clone(array),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BooleanArray, DictionaryArray, ListArray, RecordBatch, StringArray, StringViewArray, UInt32Array,
    };
    use arrow::buffer::OffsetBuffer;
    use arrow::compute::take_record_batch;
    use arrow::datatypes::{Field, Int32Type};
    use arrow::ipc::writer::StreamWriter;

    use super::*;

    /// The bytes that Arrow's format has of a column.
    fn written(array: ArrayRef) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter([("column", array)]).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    fn has(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    }

    #[test]
    fn no_array_has_a_byte_of_rows_that_were_left_out() {
        let texts = ["seen by everybody here", "hidden from everybody", "also seen by everybody"];
        let views: ArrayRef = Arc::new(StringViewArray::from(texts.to_vec()));
        let field = Arc::new(Field::new_list_field(DataType::Utf8View, true));
        let of_views = ListArray::new(field, OffsetBuffer::from_lengths([1, 1, 1]), Arc::clone(&views), None);
        let dictionary: DictionaryArray<Int32Type> = texts.into_iter().collect();
        let columns: [ArrayRef; 4] =
            [views, Arc::new(StringArray::from(texts.to_vec())), Arc::new(of_views), Arc::new(dictionary)];
        for column in columns {
            let batch = RecordBatch::try_from_iter([("column", Arc::clone(&column))]).unwrap();
            let kept = take_record_batch(&batch, &UInt32Array::from(vec![0, 2])).unwrap();
            let own = own(kept.column(0)).unwrap();
            assert_eq!(own.as_ref(), kept.column(0).as_ref());
            let bytes = written(own);
            let kind = column.data_type();
            assert!(has(&bytes, texts[0]) && has(&bytes, texts[2]) && !has(&bytes, texts[1]), "{kind}");
        }
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
        assert_eq!(own(&flags).unwrap().as_ref(), flags.as_ref());
    }
}
